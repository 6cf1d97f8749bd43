//! Configuring tables (OpenFlow 1.3.5 §7.3.3): nothing is left to configure in version 1.3.

use super::codec::{Reader, Wire, Writer};
use super::error::{DecodeError, TableModFailed};
use super::number::Tables;

/// `OFPTC_DEPRECATED_MASK`.
const DEPRECATED: u32 = 3;

/// `OFPT_TABLE_MOD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableMod {
    /// Which tables.
    pub tables: Tables,
    /// `OFPTC_*`: the two deprecated bits, which earlier versions said with what a table miss does.
    pub config: u32,
}

impl Wire for TableMod {
    fn read(reader: &mut Reader<'_>) -> Result<TableMod, DecodeError> {
        let tables = Tables::read(reader)?;
        reader.pad(3)?;
        let at = reader.clone();
        let config = reader.u32()?;
        if config & !DEPRECATED != 0 {
            return Err(at.error(TableModFailed::BadConfig, "the table's configuration is unknown"));
        }
        Ok(TableMod { tables, config })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.tables.write(writer);
        writer.pad(3);
        writer.u32(self.config);
    }
}
