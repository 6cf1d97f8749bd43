//! Matches: OpenFlow's extensible match, OXM (OpenFlow 1.3.5 §7.2.3).
//!
//! A [`Match`] is a list of [`Oxm`]s, each a [`Field`] with a value and a mask. Neither can hold what §7.2.3 forbids:
//! a [`Match`] has each field once and behind its prerequisites, an [`Oxm`] has only bits that its field has and no
//! value bits that its mask ignores.

mod field;
mod header;
mod matching;
mod prerequisite;
mod value;

pub use field::{Field, Maskable};
pub use header::OxmId;
pub(super) use header::{read_field, read_subfield, write_field};
pub use matching::{Match, MatchError};
pub use prerequisite::Prerequisite;
pub(super) use prerequisite::{ETH_MPLS, ETH_MPLS_MULTICAST, ETH_PBB, Facts};
pub use value::{Oxm, OxmError, Subfield, SubfieldError};
