//! Flows in the syntax of ovs-ofctl(8) and ovs-fields(7).
//!
//! `table=0,priority=10,ip,nw_dst=10.0.0.0/8,actions=output:2`. Pieces stand between commas or white space; the
//! order of fields does not matter. What `ovs-ofctl dump-flows` adds (`n_packets=` and so on) is read over, so
//! its lines can be given back.
//!
//! Of what Sluice's flows have, ovs-ofctl can spell all but one thing: a tunnel's VNI and remote set in one action
//! are written `set_tunnel:0x64@192.0.2.2`.

mod actions;
mod error;
mod instructions;
mod names;
mod parse;
mod print;
mod token;
mod value;

pub use error::{Reason, SyntaxError};
pub use parse::{DEFAULT_PRIORITY, parse_flow, parse_key};
pub use print::{ActionsText, FlowText, KeyText, MatchText};

/// Resolves the names of a bridge's ports to their OpenFlow numbers.
pub type PortNames<'a> = dyn Fn(&str) -> Option<u32> + 'a;

/// For where no names are known: ports are given by number.
pub fn no_names(_name: &str) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests;
