//! What tables can do (OpenFlow 1.3.5 §7.3.5.5).

use crate::wire::codec::{Reader, Text, Wire, Writer};
use crate::wire::error::{DecodeError, TableFeaturesFailed};
use crate::wire::number::TableId;
use crate::wire::oxm::OxmId;

const PROPERTY_HEADER_BYTES: usize = 4;
/// The number by which an experimenter's instruction, action or property is known.
const EXPERIMENTER: u16 = 0xffff;
const EXPERIMENTER_PROPERTY: u16 = 0xfffe;

/// `struct ofp_table_features`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFeatures {
    /// Which table.
    pub table: TableId,
    /// Its name.
    pub name: Text<32>,
    /// Bits of the metadata that it can match.
    pub metadata_match: u64,
    /// Bits of the metadata that it can write.
    pub metadata_write: u64,
    /// `OFPTC_*`: deprecated, and kept.
    pub config: u32,
    /// How many flows it has at most.
    pub max_entries: u32,
    /// What it can match and do.
    pub properties: Vec<TableProperty>,
}

/// `OFPTFPT_*`. `miss` says that the table-miss flow is meant, not the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableProperty {
    /// Instructions.
    Instructions {
        /// See above.
        miss: bool,
        /// Which.
        ids: Vec<FeatureId>,
    },
    /// Tables to go to.
    NextTables {
        /// See above.
        miss: bool,
        /// Which.
        tables: Vec<TableId>,
    },
    /// Actions that can be written.
    WriteActions {
        /// See above.
        miss: bool,
        /// Which.
        ids: Vec<FeatureId>,
    },
    /// Actions that can be applied.
    ApplyActions {
        /// See above.
        miss: bool,
        /// Which.
        ids: Vec<FeatureId>,
    },
    /// Fields that can be matched.
    Match(Vec<OxmId>),
    /// Fields that can be left out.
    Wildcards(Vec<OxmId>),
    /// Fields that a written set-field can set.
    WriteSetField {
        /// See above.
        miss: bool,
        /// Which.
        fields: Vec<OxmId>,
    },
    /// Fields that an applied set-field can set.
    ApplySetField {
        /// See above.
        miss: bool,
        /// Which.
        fields: Vec<OxmId>,
    },
    /// An experimenter's.
    Experimenter {
        /// See above.
        miss: bool,
        /// Whose.
        experimenter: u32,
        /// The experimenter's number of it.
        exp_type: u32,
        /// What.
        data: Vec<u8>,
    },
}

/// An instruction's or action's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeatureId {
    /// The specification's; not 0xffff.
    Standard(u16),
    /// An experimenter's.
    Experimenter(u32),
}

impl Wire for TableFeatures {
    fn read(reader: &mut Reader<'_>) -> Result<TableFeatures, DecodeError> {
        let mut features = reader.with_length_error(TableFeaturesFailed::BadLen.into());
        let at = features.clone();
        let length = usize::from(features.u16()?);
        let mut body = at.clone().take(length)?;
        reader.take(length)?;
        body.u16()?;
        let table = TableId::read_or(&mut body, TableFeaturesFailed::BadTable)?;
        body.pad(5)?;
        let name = Text::read(&mut body)?;
        let (metadata_match, metadata_write) = (body.u64()?, body.u64()?);
        let (config, max_entries) = (body.u32()?, body.u32()?);
        let mut kinds = Vec::new();
        let properties = body.list(|body| {
            let at = body.clone();
            let property = TableProperty::read(body)?;
            let kind = property.kind();
            if kind < EXPERIMENTER_PROPERTY && kinds.contains(&kind) {
                return Err(at.error(TableFeaturesFailed::BadArgument, "a property is given twice"));
            }
            kinds.push(kind);
            Ok(property)
        })?;
        Ok(TableFeatures { table, name, metadata_match, metadata_write, config, max_entries, properties })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let start = writer.len();
        let length = writer.length_later();
        self.table.write(writer);
        writer.pad(5);
        self.name.write(writer);
        writer.u64(self.metadata_match);
        writer.u64(self.metadata_write);
        writer.u32(self.config);
        writer.u32(self.max_entries);
        self.properties.iter().for_each(|property| property.write(writer));
        writer.fill_length(length, start);
    }
}

impl TableProperty {
    fn kind(&self) -> u16 {
        match self {
            TableProperty::Instructions { miss, .. } => u16::from(*miss),
            TableProperty::NextTables { miss, .. } => 2 + u16::from(*miss),
            TableProperty::WriteActions { miss, .. } => 4 + u16::from(*miss),
            TableProperty::ApplyActions { miss, .. } => 6 + u16::from(*miss),
            TableProperty::Match(_) => 8,
            TableProperty::Wildcards(_) => 10,
            TableProperty::WriteSetField { miss, .. } => 12 + u16::from(*miss),
            TableProperty::ApplySetField { miss, .. } => 14 + u16::from(*miss),
            TableProperty::Experimenter { miss, .. } => EXPERIMENTER_PROPERTY + u16::from(*miss),
        }
    }
}

impl Wire for TableProperty {
    /// The length does not count the padding, which fills 8 bytes.
    fn read(reader: &mut Reader<'_>) -> Result<TableProperty, DecodeError> {
        let at = reader.clone();
        let (kind, length) = (reader.u16()?, usize::from(reader.u16()?));
        let body = length
            .checked_sub(PROPERTY_HEADER_BYTES)
            .ok_or_else(|| at.bad_length("the property is shorter than its header"))?;
        let mut body = reader.take(body)?;
        reader.pad(length.next_multiple_of(8) - length)?;
        let miss = kind & 1 != 0;
        Ok(match kind {
            0 | 1 => TableProperty::Instructions { miss, ids: body.list(FeatureId::read)? },
            2 | 3 => TableProperty::NextTables {
                miss,
                tables: body.list(|body| TableId::read_or(body, TableFeaturesFailed::BadArgument))?,
            },
            4 | 5 => TableProperty::WriteActions { miss, ids: body.list(FeatureId::read)? },
            6 | 7 => TableProperty::ApplyActions { miss, ids: body.list(FeatureId::read)? },
            8 => TableProperty::Match(body.list(OxmId::read)?),
            10 => TableProperty::Wildcards(body.list(OxmId::read)?),
            12 | 13 => TableProperty::WriteSetField { miss, fields: body.list(OxmId::read)? },
            14 | 15 => TableProperty::ApplySetField { miss, fields: body.list(OxmId::read)? },
            EXPERIMENTER_PROPERTY | EXPERIMENTER => {
                let (experimenter, exp_type) = (body.u32()?, body.u32()?);
                TableProperty::Experimenter { miss, experimenter, exp_type, data: body.rest().to_vec() }
            }
            _ => return Err(at.error(TableFeaturesFailed::BadType, "the property is unknown")),
        })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let start = writer.len();
        writer.u16(self.kind());
        let length = writer.length_later();
        match self {
            TableProperty::Instructions { ids, .. }
            | TableProperty::WriteActions { ids, .. }
            | TableProperty::ApplyActions { ids, .. } => ids.iter().for_each(|id| id.write(writer)),
            TableProperty::NextTables { tables, .. } => tables.iter().for_each(|table| table.write(writer)),
            TableProperty::Match(fields)
            | TableProperty::Wildcards(fields)
            | TableProperty::WriteSetField { fields, .. }
            | TableProperty::ApplySetField { fields, .. } => {
                fields.iter().for_each(|field| field.write(writer));
            }
            TableProperty::Experimenter { experimenter, exp_type, data, .. } => {
                writer.u32(*experimenter);
                writer.u32(*exp_type);
                writer.bytes(data);
            }
        }
        writer.fill_length(length, start);
        writer.pad8(start);
    }
}

impl Wire for FeatureId {
    /// A header without a body: 4 bytes, or 8 with an experimenter's number.
    fn read(reader: &mut Reader<'_>) -> Result<FeatureId, DecodeError> {
        let at = reader.clone();
        let (kind, length) = (reader.u16()?, reader.u16()?);
        match (kind, length) {
            (EXPERIMENTER, 8) => reader.u32().map(FeatureId::Experimenter),
            (kind, 4) if kind != EXPERIMENTER => Ok(FeatureId::Standard(kind)),
            _ => Err(at.bad_length("the type has another length")),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            FeatureId::Standard(kind) => {
                writer.u16(*kind);
                writer.u16(4);
            }
            FeatureId::Experimenter(experimenter) => {
                writer.u16(EXPERIMENTER);
                writer.u16(8);
                writer.u32(*experimenter);
            }
        }
    }
}
