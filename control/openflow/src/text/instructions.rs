//! Reading what a flow does: actions, and behind them the other instructions of OpenFlow 1.3.5 §5.9.

use sluice_api::MAX_TABLE;
use sluice_api::v1::action::Kind;
use sluice_api::v1::{Action, Flow, WriteMetadata};

use super::PortNames;
use super::actions::{self, Call};
use super::error::{Reason, SyntaxError};
use super::token::Token;
use super::value;
use crate::needs::Known;

/// Where an instruction may stand: behind those that are less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Actions,
    Clear,
    Write,
    Metadata,
    Goto,
}

/// Reads the list behind `actions=` into `flow`.
pub(super) fn parse(
    list: Token<'_>,
    flow: &mut Flow,
    known: Known,
    ports: &PortNames<'_>,
) -> Result<(), SyntaxError> {
    let (mut last, mut dropped, mut pieces) = (Step::Actions, false, 0);
    let mut rest = list;
    while let Some((piece, after)) = rest.next_piece() {
        let call = Call::new(piece);
        let step = match call.name.text {
            "clear_actions" => Step::Clear,
            "write_actions" => Step::Write,
            "write_metadata" => Step::Metadata,
            "goto_table" => Step::Goto,
            _ => Step::Actions,
        };
        // Plain actions may follow each other; everything else stands once.
        if step < last || (step == last && step != Step::Actions) {
            return Err(piece.error(Reason::InstructionOrder));
        }
        last = step;
        match step {
            Step::Clear if call.argument.is_some() => return Err(piece.error(Reason::UnexpectedValue)),
            Step::Clear => flow.clear_actions = true,
            Step::Write => flow.write_actions = list_of(&call, known, ports)?,
            Step::Metadata => flow.write_metadata = Some(write_metadata(&call)?),
            Step::Goto => flow.goto_table = Some(goto_table(&call, flow.table)?),
            Step::Actions if call.name.text == "apply_actions" => {
                flow.actions.append(&mut list_of(&call, known, ports)?);
            }
            Step::Actions => {
                let action = actions::parse(&call, known, ports)?;
                dropped |= is_drop(&action);
                flow.actions.push(action);
            }
        }
        pieces += 1;
        if dropped && pieces > 1 {
            return Err(piece.error(Reason::DropNotAlone));
        }
        rest = after;
    }
    if pieces == 0 { Err(rest.error(Reason::NoActions)) } else { Ok(()) }
}

/// `name(ACTION,…)`: actions that do something.
fn list_of(call: &Call<'_>, known: Known, ports: &PortNames<'_>) -> Result<Vec<Action>, SyntaxError> {
    let mut list = Vec::new();
    let mut rest = call.argument("a list of actions, as (output:1)")?;
    while let Some((piece, after)) = rest.next_piece() {
        let action = actions::parse(&Call::new(piece), known, ports)?;
        if is_drop(&action) {
            return Err(piece.error(Reason::DropNotAlone));
        }
        list.push(action);
        rest = after;
    }
    Ok(list)
}

fn is_drop(action: &Action) -> bool {
    matches!(action.kind, Some(Kind::Drop(_)))
}

/// `write_metadata:VALUE[/MASK]`.
fn write_metadata(call: &Call<'_>) -> Result<WriteMetadata, SyntaxError> {
    let argument = call.argument("a value, as write_metadata:0x1/0xff")?;
    let number = |token: Token<'_>| {
        let number = value::number(token, 0, u64::MAX.into())?;
        u64::try_from(number).map_err(|_| token.error(Reason::Range(0, u64::MAX.into())))
    };
    match argument.split_once('/') {
        None => Ok(WriteMetadata { value: number(argument)?, mask: u64::MAX }),
        Some((value, mask)) => Ok(WriteMetadata { value: number(value)?, mask: number(mask)? }),
    }
}

fn goto_table(call: &Call<'_>, table: u32) -> Result<u32, SyntaxError> {
    let argument = call.argument("a table, as goto_table:1")?;
    match value::number32(argument, 0, u32::MAX) {
        Ok(to) if to > table && to <= MAX_TABLE => Ok(to),
        _ => Err(argument.error(Reason::GotoTable(table))),
    }
}
