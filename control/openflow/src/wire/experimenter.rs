//! Experimenters' messages (OpenFlow 1.3.5 §7.5.4): the ONF's bundles are known here, others are kept as they are.

use super::bundle::{self, BundleAdd, BundleControl};
use super::codec::{Reader, Wire, Writer};
use super::error::DecodeError;
use super::number::Xid;

/// The ONF's number, for its extensions to OpenFlow 1.3.
pub const ONF: u32 = 0x4f4e_4600;
/// Nicira's number, which Open vSwitch's extensions have.
pub const NICIRA: u32 = 0x0000_2320;

/// `OFPT_EXPERIMENTER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Experimenter {
    /// The ONF's `OFPT_BUNDLE_CONTROL`.
    BundleControl(BundleControl),
    /// The ONF's `OFPT_BUNDLE_ADD_MESSAGE`.
    BundleAdd(BundleAdd),
    /// Another one. A switch that does not know it answers `OFPBRC_BAD_EXPERIMENTER` or `OFPBRC_BAD_EXP_TYPE`.
    Other(RawExperimenter),
}

/// What an experimenter defines, not looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawExperimenter {
    /// Whose it is.
    pub experimenter: u32,
    /// The experimenter's number of it.
    pub exp_type: u32,
    /// The rest.
    pub data: Vec<u8>,
}

impl Experimenter {
    pub(super) fn read(xid: Xid, reader: &mut Reader<'_>) -> Result<Experimenter, DecodeError> {
        let mut peeked = reader.clone();
        match (peeked.u32()?, peeked.u32()?) {
            (ONF, bundle::CONTROL) => {
                reader.bytes(8)?;
                BundleControl::read(reader).map(Experimenter::BundleControl)
            }
            (ONF, bundle::ADD) => {
                reader.bytes(8)?;
                BundleAdd::read(xid, reader).map(Experimenter::BundleAdd)
            }
            _ => RawExperimenter::read(reader).map(Experimenter::Other),
        }
    }

    pub(super) fn write(&self, xid: Xid, writer: &mut Writer<'_>) {
        match self {
            Experimenter::BundleControl(control) => {
                writer.u32(ONF);
                writer.u32(bundle::CONTROL);
                control.write(writer);
            }
            Experimenter::BundleAdd(add) => {
                writer.u32(ONF);
                writer.u32(bundle::ADD);
                add.write(xid, writer);
            }
            Experimenter::Other(raw) => raw.write(writer),
        }
    }
}

impl RawExperimenter {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<RawExperimenter, DecodeError> {
        let (experimenter, exp_type) = (reader.u32()?, reader.u32()?);
        Ok(RawExperimenter { experimenter, exp_type, data: reader.rest().to_vec() })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.experimenter);
        writer.u32(self.exp_type);
        writer.bytes(&self.data);
    }
}
