//! `sluice diff`: what `apply` would change, field by field.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Map, Value};
use sluice_api::key::Key;
use sluice_api::v1::error::Code;
use sluice_api::v1::{Object, Operation, operation};

use super::apply;
use crate::app::App;
use crate::change::display_name;
use crate::error::Error;
use crate::file::{self, Document, Scope};
use crate::output::{Column, Format, Row, text};

/// Options of `sluice diff`.
#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// The state in YAML or JSON; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// The file is the whole state: show what it does not name as removed
    #[arg(long, visible_alias = "prune")]
    replace: bool,
    /// Exit with 1 if there is a difference
    #[arg(long)]
    exit_code: bool,
}

/// The examples of this command.
pub(crate) const EXAMPLES: &str =
    "sluice diff -f state.yaml\nsluice diff -f state.yaml --replace --exit-code";

/// One object that differs.
#[derive(Debug, Serialize)]
struct Difference {
    action: &'static str,
    kind: &'static str,
    name: String,
    before: Option<Map<String, Value>>,
    after: Option<Map<String, Value>>,
}

impl Row for Difference {
    const COLUMNS: &'static [Column] =
        &[text("ACTION", "action"), text("KIND", "kind"), text("NAME", "name")];

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Carries out the command. The control process decides what differs; this only shows it.
pub(crate) async fn run(args: &DiffArgs, app: &mut App) -> Result<Code, Error> {
    let scope = if args.replace { Scope::Whole } else { Scope::Part };
    let document = Document::read(&args.file, scope)?;
    let applied = apply::send(&document, args.replace, true, app).await?;
    let wanted = app.client.objects(&[], "").await?;
    let before: HashMap<Key, &Object> =
        wanted.iter().filter_map(|object| Some((Key::try_from(object).ok()?, object))).collect();
    let differences: Vec<Difference> = applied
        .operations
        .iter()
        .filter_map(|operation| Difference::of(operation, &before))
        .filter(|difference| difference.before != difference.after)
        .collect();
    if app.out.format() == Format::Table {
        for line in differences.iter().flat_map(Difference::lines) {
            app.out.line(&line)?;
        }
    } else {
        app.out.list(&differences)?;
    }
    Ok(if args.exit_code && !differences.is_empty() { Code::Failed } else { Code::Ok })
}

impl Difference {
    fn of(operation: &Operation, wanted: &HashMap<Key, &Object>) -> Option<Self> {
        let key = Key::try_from(operation).ok()?;
        let before = wanted.get(&key).and_then(|object| file::write_object(object));
        let after = match operation.kind.as_ref()? {
            operation::Kind::Set(object) => file::write_object(object),
            operation::Kind::Delete(_) => None,
        };
        let action = match (&before, &after) {
            (None, _) => "add",
            (Some(_), Some(_)) => "change",
            (Some(_), None) => "remove",
        };
        Some(Self { action, kind: key.kind_name(), name: display_name(&key), before, after })
    }

    /// `+ port vm1`, `~ port vm1` or `- port vm1`, and under it each field that differs.
    fn lines(&self) -> Vec<String> {
        let sign = match self.action {
            "add" => '+',
            "remove" => '-',
            _ => '~',
        };
        let mut lines = vec![format!("{sign} {} {}", self.kind, self.name)];
        let empty = Map::new();
        let before = self.before.as_ref().unwrap_or(&empty);
        let after = self.after.as_ref().unwrap_or(&empty);
        if self.after.is_none() {
            return lines;
        }
        let gone = before.iter().filter(|(key, _)| !after.contains_key(*key));
        lines.extend(gone.map(|(key, old)| format!("    {key}: {old} -> (default)")));
        for (key, new) in after {
            match before.get(key) {
                Some(old) if old == new => {}
                Some(old) => lines.push(format!("    {key}: {old} -> {new}")),
                None if self.before.is_none() && key == "name" => {}
                None if self.before.is_none() => lines.push(format!("    {key}: {new}")),
                None => lines.push(format!("    {key}: (default) -> {new}")),
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_api::v1::{Bridge, ObjectKey, object, object_key::Kind};

    fn bridge(aging: u32, size: u32) -> Object {
        let bridge = Bridge { name: "br0".into(), mac_aging_s: aging, mac_table_size: size, datapath_id: 0 };
        Object { kind: Some(object::Kind::Bridge(bridge)) }
    }

    fn lines(operation: operation::Kind, before: Option<&Object>) -> Vec<String> {
        let wanted = before.into_iter().map(|object| (Key::Bridge("br0".into()), object)).collect();
        Difference::of(&Operation { kind: Some(operation) }, &wanted).unwrap().lines()
    }

    #[test]
    fn differences_are_shown_field_by_field() {
        let old = bridge(300, 16);
        assert_eq!(lines(operation::Kind::Set(bridge(60, 0)), None), ["+ bridge br0", "    mac_aging_s: 60"]);
        assert_eq!(
            lines(operation::Kind::Set(bridge(60, 0)), Some(&old)),
            ["~ bridge br0", "    mac_table_size: 16 -> (default)", "    mac_aging_s: 300 -> 60"]
        );
        let key = ObjectKey { kind: Kind::Bridge.into(), name: "br0".into(), flow: None };
        assert_eq!(lines(operation::Kind::Delete(key), Some(&old)), ["- bridge br0"]);
    }
}
