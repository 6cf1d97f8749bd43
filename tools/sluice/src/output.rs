//! What commands print: one row type, shown as a table, JSON, YAML or names.
//!
//! A row's serialised fields are the stable names that scripts see; the table picks columns from them. So the
//! formats cannot contradict each other.

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use crate::error::Error;

#[cfg(test)]
mod tests;

/// How answers are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns for people
    #[default]
    Table,
    /// JSON with stable field names; errors are JSON too
    Json,
    /// YAML with the same field names
    Yaml,
    /// One name a line, for scripts
    Name,
}

/// One line of an answer.
pub(crate) trait Row: Serialize {
    /// What the table shows, from left to right.
    const COLUMNS: &'static [Column];

    /// What names the row, with [`Format::Name`].
    fn name(&self) -> String;
}

/// A column of a table: its header and the row's field that it shows.
#[derive(Debug)]
pub(crate) struct Column {
    header: &'static str,
    field: &'static str,
    align: Align,
}

#[derive(Clone, Copy, Debug)]
enum Align {
    Left,
    Right,
}

/// A column of words.
pub(crate) const fn text(header: &'static str, field: &'static str) -> Column {
    Column { header, field, align: Align::Left }
}

/// A column of numbers.
pub(crate) const fn number(header: &'static str, field: &'static str) -> Column {
    Column { header, field, align: Align::Right }
}

/// Prints answers in one format.
#[derive(Debug)]
pub(crate) struct Printer<W> {
    format: Format,
    out: W,
}

impl<W: Write> Printer<W> {
    pub(crate) fn new(format: Format, out: W) -> Self {
        Self { format, out }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// All rows of a list.
    pub(crate) fn list<R: Row>(&mut self, rows: &[R]) -> Result<(), Error> {
        match self.format {
            Format::Table => self.table(rows),
            Format::Json => self.json(&rows),
            Format::Yaml => self.yaml(&rows),
            Format::Name => rows.iter().try_for_each(|row| self.line(&row.name())),
        }
    }

    /// One row with all its fields, one a line.
    pub(crate) fn show<R: Row>(&mut self, row: &R) -> Result<(), Error> {
        match self.format {
            Format::Table => self.fields(&value(row)?),
            Format::Json => self.json(row),
            Format::Yaml => self.yaml(row),
            Format::Name => self.line(&row.name()),
        }
    }

    /// One row of a list without an end: a line of its own, at once. `line` is what a person reads.
    pub(crate) fn event<R: Row>(&mut self, row: &R, line: &str) -> Result<(), Error> {
        match self.format {
            Format::Table => self.line(line)?,
            Format::Json => {
                serde_json::to_writer(&mut self.out, row).map_err(json_error)?;
                self.line("")?;
            }
            Format::Yaml => {
                self.line("---")?;
                self.yaml(row)?;
            }
            Format::Name => self.line(&row.name())?,
        }
        self.flush()
    }

    /// What a command did: `line` for people, else the row.
    pub(crate) fn outcome<R: Row>(&mut self, row: &R, line: &str) -> Result<(), Error> {
        if self.format == Format::Table { self.line(line) } else { self.show(row) }
    }

    /// A line of text as it is.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Error> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// Text as it is.
    pub(crate) fn text(&mut self, text: &[u8]) -> Result<(), Error> {
        Ok(self.out.write_all(text)?)
    }

    /// A document: YAML, or JSON if that is the format.
    pub(crate) fn document(&mut self, document: &impl Serialize) -> Result<(), Error> {
        if self.format == Format::Json { self.json(document) } else { self.yaml(document) }
    }

    /// Hands everything to the system.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        Ok(self.out.flush()?)
    }

    fn json(&mut self, value: &impl Serialize) -> Result<(), Error> {
        serde_json::to_writer_pretty(&mut self.out, value).map_err(json_error)?;
        self.line("")
    }

    fn yaml(&mut self, value: &impl Serialize) -> Result<(), Error> {
        let text = serde_saphyr::to_string(value).map_err(|error| Error::Encode(Box::new(error)))?;
        self.line(text.trim_end())
    }

    fn table<R: Row>(&mut self, rows: &[R]) -> Result<(), Error> {
        let mut lines: Vec<Vec<String>> =
            vec![R::COLUMNS.iter().map(|column| column.header.to_owned()).collect()];
        for row in rows {
            let value = value(row)?;
            lines.push(R::COLUMNS.iter().map(|column| cell(value.get(column.field))).collect());
        }
        let widths: Vec<usize> = R::COLUMNS
            .iter()
            .enumerate()
            .map(|(at, _)| lines.iter().filter_map(|line| line.get(at)).map(|cell| width(cell)).max())
            .map(Option::unwrap_or_default)
            .collect();
        for line in &lines {
            let mut text = String::new();
            for ((cell, column), columns_width) in line.iter().zip(R::COLUMNS).zip(&widths) {
                if !text.is_empty() {
                    text.push_str("  ");
                }
                let padding = " ".repeat(columns_width.saturating_sub(width(cell)));
                match column.align {
                    Align::Left => text.extend([cell.as_str(), &padding]),
                    Align::Right => text.extend([padding.as_str(), cell]),
                }
            }
            self.line(text.trim_end())?;
        }
        Ok(())
    }

    fn fields(&mut self, row: &Value) -> Result<(), Error> {
        let mut lines = Vec::new();
        flatten("", row, &mut lines);
        let widest = lines.iter().map(|(label, _)| width(label)).max().unwrap_or_default();
        for (label, value) in lines {
            let padding = " ".repeat(widest.saturating_sub(width(&label)));
            self.line(format!("{label}{padding}  {value}").trim_end())?;
        }
        Ok(())
    }
}

/// The row as its serialised fields.
fn value(row: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(row).map_err(|error| Error::Encode(Box::new(error)))
}

/// An error of the output is told as that, so that a broken pipe is seen as one.
fn json_error(error: serde_json::Error) -> Error {
    if error.is_io() { Error::Stdout(io::Error::from(error)) } else { Error::Encode(Box::new(error)) }
}

/// A field as a table's cell.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) if list.is_empty() => "-".to_owned(),
        Some(Value::Array(list)) => {
            list.iter().map(|element| cell(Some(element))).collect::<Vec<_>>().join(",")
        }
        Some(Value::Object(fields)) => {
            let pairs = fields.iter().map(|(key, value)| format!("{key}={}", cell(Some(value))));
            pairs.collect::<Vec<_>>().join(" ")
        }
        Some(Value::Number(number)) => match number.as_f64() {
            Some(fraction) if number.is_f64() => format!("{fraction:.1}"),
            _ => number.to_string(),
        },
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
    }
}

/// Nested fields as `outer.inner`, one a line.
fn flatten(prefix: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    let Value::Object(fields) = value else {
        lines.push((prefix.to_owned(), cell(Some(value))));
        return;
    };
    for (key, value) in fields {
        let label = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Object(_) => flatten(&label, value, lines),
            Value::Array(list) if list.iter().any(Value::is_object) => {
                for (at, element) in list.iter().enumerate() {
                    lines.push((format!("{label}[{at}]"), cell(Some(element))));
                }
            }
            _ => lines.push((label, cell(Some(value)))),
        }
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}
