//! Meters, their counters and what they can be (OpenFlow 1.3.5 §7.3.5.12 to §7.3.5.14).

use crate::wire::codec::{Reader, Wire, Writer, wire_flags, wire_struct};
use crate::wire::error::{BadRequest, DecodeError};
use crate::wire::meter::{Band, MeterFlags};
use crate::wire::number::MeterId;

const STATS_HEADER_BYTES: usize = 6;

wire_struct! {
    /// Which meters.
    pub struct MeterRequest {
        /// One, or [`MeterId::ALL`].
        meter: MeterId, pad 4;
    }
}

/// A meter's counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterStats {
    /// Which meter.
    pub meter: MeterId,
    /// How many flows use it.
    pub flows: u32,
    /// Packets measured.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long it has been there, in whole seconds.
    pub duration_s: u32,
    /// And nanoseconds beyond.
    pub duration_ns: u32,
    /// Its bands' counters.
    pub bands: Vec<BandStats>,
}

wire_struct! {
    /// A band's counters.
    pub struct BandStats {
        /// Packets that it dropped or remarked.
        packets: u64;
        /// Their bytes.
        bytes: u64;
    }
}

/// A meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterConfig {
    /// How it measures.
    pub flags: MeterFlags,
    /// Its number.
    pub meter: MeterId,
    /// What happens above which rates.
    pub bands: Vec<Band>,
}

wire_struct! {
    /// What meters can be.
    pub struct MeterFeatures {
        /// How many at most.
        max_meters: u32;
        /// Which bands.
        band_types: BandTypes;
        /// Which flags, as bits of [`MeterFlags`].
        capabilities: u32;
        /// How many bands of a meter at most.
        max_bands: u8;
        /// How many colours at most.
        max_colors: u8, pad 2;
    }
}

wire_flags! {
    /// Types of bands, as bits.
    pub struct BandTypes: u32, else BadRequest::BadLen, "a band's type is unknown" {
        /// Drops.
        DROP = 1 << 1;
        /// Remarks.
        DSCP_REMARK = 1 << 2;
    }
}

impl Wire for MeterStats {
    fn read(reader: &mut Reader<'_>) -> Result<MeterStats, DecodeError> {
        let meter = MeterId::read(reader)?;
        let at = reader.clone();
        let length = usize::from(reader.u16()?);
        let body = length
            .checked_sub(STATS_HEADER_BYTES)
            .ok_or_else(|| at.bad_length("the meter is shorter than its header"))?;
        let mut body = reader.take(body)?;
        body.pad(6)?;
        let flows = body.u32()?;
        let (packets, bytes) = (body.u64()?, body.u64()?);
        let (duration_s, duration_ns) = (body.u32()?, body.u32()?);
        let bands = body.list(BandStats::read)?;
        Ok(MeterStats { meter, flows, packets, bytes, duration_s, duration_ns, bands })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let start = writer.len();
        self.meter.write(writer);
        let length = writer.length_later();
        writer.pad(6);
        writer.u32(self.flows);
        writer.u64(self.packets);
        writer.u64(self.bytes);
        writer.u32(self.duration_s);
        writer.u32(self.duration_ns);
        self.bands.iter().for_each(|band| band.write(writer));
        writer.fill_length(length, start);
    }
}

impl Wire for MeterConfig {
    fn read(reader: &mut Reader<'_>) -> Result<MeterConfig, DecodeError> {
        let at = reader.clone();
        let length = usize::from(reader.u16()?);
        let body =
            length.checked_sub(2).ok_or_else(|| at.bad_length("the meter is shorter than its header"))?;
        let mut body = reader.take(body)?;
        let flags = MeterFlags::read(&mut body)?;
        let meter = MeterId::read(&mut body)?;
        Ok(MeterConfig { flags, meter, bands: body.list(Band::read)? })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let start = writer.len();
        let length = writer.length_later();
        self.flags.write(writer);
        self.meter.write(writer);
        self.bands.iter().for_each(|band| band.write(writer));
        writer.fill_length(length, start);
    }
}
