//! The verbs that every noun has, written once.

use clap::Subcommand;
use serde::Serialize;
use serde_json::{Map, Value};
use sluice_api::key::Key;
use sluice_api::v1::error::Code;
use sluice_api::v1::object_key::Kind;
use sluice_api::v1::{ApplyRequest, Object, ObjectKey, Operation, operation};

use crate::app::App;
use crate::change::{Change, display_name};
use crate::client::{ClientError, Process};
use crate::error::Error;
use crate::file;
use crate::noun::{Noun, Running, of_kind};
use crate::output::{Column, Row, text};
use crate::value::Name;

/// The verbs of a named kind; `O` are the options of `create` and `set`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb<O: clap::Args> {
    /// List all, wanted and running
    List,
    /// Show one with all its fields
    Show {
        /// The object's name
        #[arg(value_name = "NAME")]
        name: Name,
    },
    /// Create one; one of that name is a conflict
    Create {
        /// Its name: 1 to 64 of A-Z a-z 0-9 . _ -
        #[arg(value_name = "NAME")]
        name: Name,
        #[command(flatten)]
        options: O,
    },
    /// Change what the options name and keep the rest
    Set {
        /// The object's name
        #[arg(value_name = "NAME")]
        name: Name,
        #[command(flatten)]
        options: O,
    },
    /// Delete one or several, all or none
    Delete {
        /// Their names
        #[arg(value_name = "NAME", required = true)]
        names: Vec<Name>,
    },
    /// Print the wanted ones, then every change as it happens
    Watch {
        /// Only this one [default: all]
        #[arg(value_name = "NAME")]
        name: Option<Name>,
    },
}

/// Carries out a verb.
pub(crate) async fn run<N: Noun>(verb: Verb<N::Options>, app: &mut App) -> Result<Code, Error> {
    match verb {
        Verb::List => list::<N>(app).await,
        Verb::Show { name } => show::<N>(&name, app).await,
        Verb::Create { name, options } => create::<N>(&name, &options, app).await,
        Verb::Set { name, options } => set::<N>(&name, &options, app).await,
        Verb::Delete { names } => delete::<N>(&names, app).await,
        Verb::Watch { name } => watch(N::KIND, name.as_ref(), app).await,
    }
}

async fn list<N: Noun>(app: &mut App) -> Result<Code, Error> {
    let rows = rows::<N>(app).await?;
    app.out.list(&rows)?;
    Ok(Code::Ok)
}

async fn show<N: Noun>(name: &Name, app: &mut App) -> Result<Code, Error> {
    let rows = rows::<N>(app).await?;
    match rows.iter().find(|row| row.name() == name.as_ref()) {
        Some(row) => app.out.show(row)?,
        None => {
            let names: Vec<String> = rows.iter().map(Row::name).collect();
            return Err(Error::not_found(N::KIND.name(), name.as_ref(), names.iter().map(String::as_str)));
        }
    }
    Ok(Code::Ok)
}

/// Wanted and running, joined. One of the two processes may be away if the other's half makes sense alone; that is
/// said on standard error.
async fn rows<N: Noun>(app: &mut App) -> Result<Vec<N::Row>, Error> {
    let running = running(app).await;
    let wanted = app.client.objects(N::LISTED, "").await;
    let (wanted, running) = match (wanted, running) {
        (Ok(wanted), Ok(running)) => (wanted, running),
        (Ok(wanted), Err(error)) if error.is_unreachable() => {
            app.warn(Process::Datapath.binary(), "cannot be reached: only what is wanted is shown");
            (wanted, Running::default())
        }
        (Err(error), Ok(running)) if error.is_unreachable() && N::RUNS_ALONE => {
            app.warn(Process::Control.binary(), "cannot be reached: only what runs is shown");
            (Vec::new(), running)
        }
        (Err(error), _) | (_, Err(error)) => return Err(error.into()),
    };
    Ok(N::rows(&wanted, &running))
}

async fn running(app: &App) -> Result<Running, ClientError> {
    let ports = app.client.ports().await?;
    let bridges = app.client.datapath_status().await?.bridges;
    Ok(Running { ports, bridges })
}

async fn create<N: Noun>(name: &Name, options: &N::Options, app: &mut App) -> Result<Code, Error> {
    let mut object = N::named(name);
    object.change(options)?;
    object.check()?;
    let request = ApplyRequest { create_only: true, ..request_to_set(object) };
    let change = Change::new(&app.client.apply(request).await?, false);
    app.out.outcome(&change, &format!("{} {name} created", N::KIND.name()))?;
    Ok(Code::Ok)
}

async fn set<N: Noun>(name: &Name, options: &N::Options, app: &mut App) -> Result<Code, Error> {
    let noun = N::KIND.name();
    let objects = of_kind::<N>(&app.client.objects(&[N::KIND], "").await?);
    let names: Vec<String> = objects.iter().map(|object| object.name().to_owned()).collect();
    let Some(mut object) = objects.into_iter().find(|object| object.name() == name.as_ref()) else {
        return Err(Error::not_found(noun, name.as_ref(), names.iter().map(String::as_str)));
    };
    object.change(options)?;
    object.check()?;
    let request = ApplyRequest { must_exist: true, ..request_to_set(object) };
    let change = Change::new(&app.client.apply(request).await?, false);
    let word = if change.changed > 0 { "changed" } else { "is so already" };
    app.out.outcome(&change, &format!("{noun} {name} {word}"))?;
    Ok(Code::Ok)
}

fn request_to_set<N: Noun>(object: N) -> ApplyRequest {
    let operation = Operation { kind: Some(operation::Kind::Set(object.into_object())) };
    ApplyRequest { operations: vec![operation], ..ApplyRequest::default() }
}

async fn delete<N: Noun>(names: &[Name], app: &mut App) -> Result<Code, Error> {
    let operations = names
        .iter()
        .map(|name| {
            let key = ObjectKey { kind: N::KIND.into(), name: name.to_string(), flow: None };
            Operation { kind: Some(operation::Kind::Delete(key)) }
        })
        .collect();
    let request = ApplyRequest { operations, must_exist: true, ..ApplyRequest::default() };
    let change = Change::new(&app.client.apply(request).await?, false);
    let lines: Vec<String> = names.iter().map(|name| format!("{} {name} deleted", N::KIND.name())).collect();
    app.out.outcome(&change, &lines.join("\n"))?;
    Ok(Code::Ok)
}

/// What happened to a wanted object.
#[derive(Debug, Serialize)]
struct Event {
    event: &'static str,
    kind: &'static str,
    name: String,
    object: Option<Map<String, Value>>,
}

impl Row for Event {
    const COLUMNS: &'static [Column] = &[text("EVENT", "event"), text("KIND", "kind"), text("NAME", "name")];

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Prints changes until the control process ends or the reader goes.
pub(crate) async fn watch(kind: Kind, name: Option<&Name>, app: &mut App) -> Result<Code, Error> {
    let name = name.map(AsRef::as_ref).unwrap_or_default();
    let mut stream = app.client.watch(kind, name).await?;
    while let Some(operation) = app.client.next(Process::Control, &mut stream).await? {
        let Some(event) = Event::of(&operation) else {
            continue;
        };
        let object = event.object.as_ref().map(|fields| Value::from(fields.clone()).to_string());
        let line =
            format!("{:6}  {} {}  {}", event.event, event.kind, event.name, object.unwrap_or_default());
        app.out.event(&event, line.trim_end())?;
    }
    Err(app.client.ended(Process::Control).into())
}

impl Event {
    fn of(operation: &Operation) -> Option<Self> {
        let key = Key::try_from(operation).ok()?;
        let (event, object): (_, Option<&Object>) = match operation.kind.as_ref()? {
            operation::Kind::Set(object) => ("set", Some(object)),
            operation::Kind::Delete(_) => ("delete", None),
        };
        Some(Self {
            event,
            kind: key.kind_name(),
            name: display_name(&key),
            object: object.and_then(file::write_object),
        })
    }
}
