//! What runs, as the datapath tells it: read-only nouns.

pub(crate) mod bridge;
pub(crate) mod drops;
pub(crate) mod mac;
pub(crate) mod neighbour;
pub(crate) mod status;
pub(crate) mod worker;
