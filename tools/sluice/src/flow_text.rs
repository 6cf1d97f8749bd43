//! Flows in the syntax of ovs-ofctl(8), by `sluice-openflow`, with errors as this program tells them.

use sluice_api::key::FlowKey;
use sluice_api::v1::Flow;
use sluice_openflow::text::{Reason, SyntaxError, parse_flow, parse_key};

pub(crate) use sluice_openflow::text::{ActionsText, FlowText, KeyText, MatchText, PortNames, no_names};

/// A text that is no flow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub(crate) struct FlowTextError {
    /// The character at which it goes wrong, from 1.
    pub(crate) column: usize,
    /// What is wrong, without the column.
    pub(crate) message: String,
    /// It would be a flow if the bridge had a port of some name.
    pub(crate) names_port: bool,
}

impl FlowTextError {
    /// What to do.
    pub(crate) fn hint(&self) -> String {
        if self.names_port {
            return "`sluice port list` shows the bridges' ports and their numbers".to_owned();
        }
        "the syntax is that of ovs-ofctl(8), as in priority=10,ip,nw_dst=10.0.0.0/8,actions=output:2"
            .to_owned()
    }
}

impl From<SyntaxError> for FlowTextError {
    fn from(error: SyntaxError) -> Self {
        let reason = error.reason.to_string();
        Self {
            column: error.column,
            message: if error.token.is_empty() { reason } else { format!("`{}`: {reason}", error.token) },
            names_port: error.reason == Reason::UnknownPort,
        }
    }
}

/// Reads a flow of `bridge`.
pub(crate) fn parse(bridge: &str, text: &str, ports: &PortNames<'_>) -> Result<Flow, FlowTextError> {
    Ok(parse_flow(bridge, text, ports)?)
}

/// Reads what names a flow of `bridge`: table, priority and match.
pub(crate) fn parse_match(bridge: &str, text: &str, ports: &PortNames<'_>) -> Result<FlowKey, FlowTextError> {
    Ok(parse_key(bridge, text, ports)?)
}
