//! Meters (OpenFlow 1.3.5 §7.3.4.4).

use super::codec::{Reader, Wire, Writer, wire_enum, wire_flags};
use super::error::{BadRequest, DecodeError, MeterModFailed};
use super::number::MeterId;

const BAND_BYTES: usize = 16;
const DROP: u16 = 1;
const DSCP_REMARK: u16 = 2;

/// `OFPT_METER_MOD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterMod {
    /// What is done.
    pub command: MeterCommand,
    /// How it measures.
    pub flags: MeterFlags,
    /// Which meter; [`MeterId::ALL`] in a command that deletes.
    pub meter: MeterId,
    /// What happens above which rates.
    pub bands: Vec<Band>,
}

wire_enum! {
    /// `OFPMC_*`.
    pub enum MeterCommand: u16, else MeterModFailed::BadCommand, "the command is unknown" {
        /// A new one.
        Add = 0,
        /// Other flags and bands.
        Modify = 1,
        /// It goes, and flows that use it.
        Delete = 2,
    }
}

wire_flags! {
    /// `OFPMF_*`. Rates are kilobits a second unless `PKTPS` says otherwise.
    pub struct MeterFlags: u16, else MeterModFailed::BadFlags, "a flag of the meter is unknown" {
        /// Rates are kilobits a second.
        KBPS = 1;
        /// Rates are packets a second.
        PKTPS = 2;
        /// Bands say how much may burst.
        BURST = 4;
        /// Packets are counted.
        STATS = 8;
    }
}

/// `struct ofp_meter_band_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Band {
    /// From which rate on, in the meter's unit.
    pub rate: u32,
    /// How much may burst: kilobits or packets.
    pub burst_size: u32,
    /// What happens.
    pub kind: BandKind,
}

/// `OFPMBT_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BandKind {
    /// The packet is dropped.
    Drop,
    /// The drop precedence in the packet's DSCP is raised.
    DscpRemark {
        /// By so many levels.
        prec_level: u8,
    },
}

impl MeterMod {
    /// What needs no switch to see.
    ///
    /// # Errors
    /// `OFPMMFC_INVALID_METER`, `OFPMMFC_BAD_FLAGS`; the offset is 0.
    pub fn check(&self) -> Result<(), DecodeError> {
        self.refusal().map_or(Ok(()), |(code, what)| Err(DecodeError { code: code.into(), offset: 0, what }))
    }

    fn refusal(&self) -> Option<(MeterModFailed, &'static str)> {
        if self.meter == MeterId::ALL && self.command != MeterCommand::Delete {
            return Some((MeterModFailed::InvalidMeter, "only a command that deletes names all meters"));
        }
        if self.flags.contains(MeterFlags::KBPS | MeterFlags::PKTPS) {
            return Some((MeterModFailed::BadFlags, "rates have one unit"));
        }
        None
    }
}

impl Wire for MeterMod {
    fn read(reader: &mut Reader<'_>) -> Result<MeterMod, DecodeError> {
        let at = reader.clone();
        let command = MeterCommand::read(reader)?;
        let flags = MeterFlags::read(reader)?;
        let meter = MeterId::read(reader)?;
        let bands = reader.list(Band::read)?;
        let meter_mod = MeterMod { command, flags, meter, bands };
        match meter_mod.refusal() {
            Some((code, what)) => Err(at.error(code, what)),
            None => Ok(meter_mod),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.command.write(writer);
        self.flags.write(writer);
        self.meter.write(writer);
        self.bands.iter().for_each(|band| band.write(writer));
    }
}

impl Wire for Band {
    fn read(reader: &mut Reader<'_>) -> Result<Band, DecodeError> {
        let at = reader.clone();
        let (kind, length) = (reader.u16()?, usize::from(reader.u16()?));
        if !matches!(kind, DROP | DSCP_REMARK) {
            return Err(at.error(MeterModFailed::BadBand, "the band's type is unknown"));
        }
        if length != BAND_BYTES {
            return Err(at.error(BadRequest::BadLen, "a band is 16 bytes long"));
        }
        let (rate, burst_size) = (reader.u32()?, reader.u32()?);
        let kind = if kind == DROP {
            reader.pad(4)?;
            BandKind::Drop
        } else {
            let prec_level = reader.u8()?;
            reader.pad(3)?;
            BandKind::DscpRemark { prec_level }
        };
        Ok(Band { rate, burst_size, kind })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let kind = match self.kind {
            BandKind::Drop => DROP,
            BandKind::DscpRemark { .. } => DSCP_REMARK,
        };
        writer.u16(kind);
        writer.length(BAND_BYTES);
        writer.u32(self.rate);
        writer.u32(self.burst_size);
        match self.kind {
            BandKind::Drop => writer.pad(4),
            BandKind::DscpRemark { prec_level } => {
                writer.u8(prec_level);
                writer.pad(3);
            }
        }
    }
}
