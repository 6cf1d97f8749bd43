//! Reading a flow.

use sluice_api::MAX_TABLE;
use sluice_api::field::MaskedField;
use sluice_api::key::FlowKey;
use sluice_api::v1::{Field, Flow};

use super::PortNames;
use super::error::{Reason, SyntaxError, nearest};
use super::instructions;
use super::names::{NAMES, SHORTHANDS, find, unsupported};
use super::token::Token;
use super::value;
use crate::canonical;
use crate::needs::{Known, Needs};

/// The priority of a flow that names none, as in ovs-ofctl(8).
pub const DEFAULT_PRIORITY: u32 = 0x8000;

/// Words that are no matches. Those with `false` are statistics of `dump-flows`, read over.
const SETTINGS: [(&str, bool); 10] = [
    ("table", true),
    ("priority", true),
    ("cookie", true),
    ("duration", false),
    ("n_packets", false),
    ("n_bytes", false),
    ("idle_age", false),
    ("hard_age", false),
    ("idle_timeout", true),
    ("hard_timeout", true),
];

/// Reads a flow of `bridge`, with its actions. The result is canonical.
pub fn parse_flow(bridge: &str, text: &str, ports: &PortNames<'_>) -> Result<Flow, SyntaxError> {
    let mut parser = Parser::new(bridge, ports);
    let actions = parser.matches(Token::whole(text))?;
    let Some(list) = actions else {
        let column = text.chars().count() + 1;
        return Err(SyntaxError { column, token: String::new(), reason: Reason::NoActions });
    };
    parser.check_needs()?;
    let known = Known::from_matches(&parser.matches);
    let mut flow = parser.flow;
    flow.matches = parser.matches.into_iter().map(Into::into).collect();
    instructions::parse(list, &mut flow, known, ports)?;
    finish(text, flow).map(|(_, flow)| flow)
}

/// Reads what names a flow of `bridge`: table, priority and matches. A cookie is read over.
pub fn parse_key(bridge: &str, text: &str, ports: &PortNames<'_>) -> Result<FlowKey, SyntaxError> {
    let mut parser = Parser::new(bridge, ports);
    if let Some(actions) = parser.matches(Token::whole(text))? {
        return Err(actions.error(Reason::UnexpectedActions));
    }
    parser.check_needs()?;
    let mut flow = parser.flow;
    flow.matches = parser.matches.into_iter().map(Into::into).collect();
    finish(text, flow).map(|(key, _)| key)
}

fn finish(text: &str, flow: Flow) -> Result<(FlowKey, Flow), SyntaxError> {
    canonical(flow).map_err(|error| Token::whole(text).error(Reason::Meaning(error)))
}

struct Parser<'a> {
    flow: Flow,
    matches: Vec<MaskedField>,
    /// What was matched and needs something else to be matched, wherever that stands.
    needs: Vec<(Token<'a>, Needs)>,
    ports: &'a PortNames<'a>,
}

impl<'a> Parser<'a> {
    fn new(bridge: &str, ports: &'a PortNames<'a>) -> Parser<'a> {
        let flow = Flow { bridge: bridge.to_owned(), priority: DEFAULT_PRIORITY, ..Flow::default() };
        Parser { flow, matches: Vec::new(), needs: Vec::new(), ports }
    }

    /// Reads up to the actions and answers them, if there are any.
    fn matches(&mut self, text: Token<'a>) -> Result<Option<Token<'a>>, SyntaxError> {
        let mut rest = text;
        while let Some((piece, after)) = rest.next_piece() {
            match piece.split_once('=') {
                Some((word, _)) if matches!(word.text, "actions" | "action") => {
                    // The list goes on to the end of the text, past its separators.
                    let from = text.skip(text.text.len() - after.text.len() - piece.text.len());
                    return Ok(from.split_once('=').map(|(_, list)| list));
                }
                Some((word, value)) => self.assignment(piece, word, value)?,
                None => self.word(piece)?,
            }
            rest = after;
        }
        Ok(None)
    }

    fn assignment(&mut self, piece: Token<'a>, word: Token<'a>, value: Token<'a>) -> Result<(), SyntaxError> {
        match word.text {
            "table" => self.flow.table = value::number32(value, 0, MAX_TABLE)?,
            "priority" => self.flow.priority = value::number32(value, 0, 0xffff)?,
            "cookie" => self.flow.cookie = cookie(value)?,
            "idle_timeout" | "hard_timeout" if value.text == "0" => {}
            statistic if SETTINGS.contains(&(statistic, false)) => {}
            name => {
                let Some(name) = find(name) else { return Err(unknown(word)) };
                if value.text.is_empty() {
                    return Err(piece.error(Reason::NoValue("write it behind =")));
                }
                let masked = value::parse(name.field, name.format, value, self.ports)?;
                self.needs.push((word, name.needs));
                self.add(piece, masked)?;
            }
        }
        Ok(())
    }

    fn word(&mut self, piece: Token<'a>) -> Result<(), SyntaxError> {
        if let Some(shorthand) = SHORTHANDS.iter().find(|shorthand| shorthand.name == piece.text) {
            return shorthand.matches().try_for_each(|masked| self.add(piece, masked));
        }
        let takes_value = find(piece.text).is_some() || SETTINGS.iter().any(|(name, _)| *name == piece.text);
        match takes_value {
            true => Err(piece.error(Reason::NoValue("write it behind ="))),
            false => Err(unknown(piece)),
        }
    }

    /// Adds a match. What is said twice must be the same; the parts of a VLAN tag come together.
    fn add(&mut self, piece: Token<'a>, new: MaskedField) -> Result<(), SyntaxError> {
        let Some(old) = self.matches.iter_mut().find(|old| old.field() == new.field()) else {
            self.matches.push(new);
            return Ok(());
        };
        let both = old.mask() & new.mask();
        let agree = old.value() & both == new.value() & both;
        if !agree || (new.field() != Field::VlanTci && *old != new) {
            return Err(piece.error(Reason::Twice));
        }
        *old = MaskedField::masked(old.field(), old.value() | new.value(), old.mask() | new.mask());
        Ok(())
    }

    fn check_needs(&self) -> Result<(), SyntaxError> {
        let known = Known::from_matches(&self.matches);
        match self.needs.iter().find(|(_, needs)| !needs.met(known)) {
            Some((word, needs)) => Err(word.error(Reason::Needs(needs.describe()))),
            None => Ok(()),
        }
    }
}

fn cookie(value: Token<'_>) -> Result<u64, SyntaxError> {
    let number = value::number(value, 0, u64::MAX.into())?;
    u64::try_from(number).map_err(|_| value.error(Reason::Range(0, u64::MAX.into())))
}

fn unknown(word: Token<'_>) -> SyntaxError {
    if let Some(instead) = unsupported(word.text) {
        return word.error(Reason::Unsupported(instead));
    }
    let names = NAMES.iter().map(|entry| entry.name);
    let shorthands = SHORTHANDS.iter().map(|entry| entry.name);
    let settings = SETTINGS.iter().take(3).map(|(name, _)| *name);
    let all = names.chain(shorthands).chain(settings).chain(["actions"]);
    word.error(Reason::UnknownWord(nearest(word.text, all)))
}
