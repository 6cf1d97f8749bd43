//! Tables' counters (OpenFlow 1.3.5 §7.3.5.4).

use crate::wire::codec::wire_struct;
use crate::wire::number::TableId;

wire_struct! {
    /// A table's counters.
    pub struct TableStats {
        /// Which table.
        table: TableId, pad 3;
        /// Its flows.
        active: u32;
        /// Packets looked up.
        lookups: u64;
        /// Packets that matched.
        matched: u64;
    }
}
