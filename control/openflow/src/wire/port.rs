//! Ports (OpenFlow 1.3.5 §7.2.1), their changes (§7.4.3) and how they are configured (§7.3.4.3).

use sluice_api::mac::Mac;

use super::codec::{Reader, Text, Wire, Writer, wire_enum, wire_flags, wire_struct};
use super::error::{BadRequest, DecodeError, PortModFailed};
use super::number::PortNo;

wire_struct! {
    /// `struct ofp_port`: a port as the switch describes it.
    pub struct Port {
        /// Its number.
        port_no: PortNo, pad 4;
        /// Its address.
        hw_addr: Mac, pad 2;
        /// Its name.
        name: Text<16>;
        /// How it was configured.
        config: PortConfig;
        /// How it is.
        state: PortState;
        /// What its link is.
        current: PortFeatures;
        /// What it advertises.
        advertised: PortFeatures;
        /// What it could.
        supported: PortFeatures;
        /// What its peer advertises.
        peer: PortFeatures;
        /// Kilobits a second now.
        current_speed_kbps: u32;
        /// Kilobits a second at most.
        max_speed_kbps: u32;
    }
}

wire_flags! {
    /// `OFPPC_*`.
    pub struct PortConfig: u32, else PortModFailed::BadConfig, "the port's configuration is unknown" {
        /// Administratively down.
        PORT_DOWN = 1;
        /// What it receives is dropped.
        NO_RECV = 1 << 2;
        /// What is sent to it is dropped.
        NO_FWD = 1 << 5;
        /// Sends no packet-ins.
        NO_PACKET_IN = 1 << 6;
    }
}

wire_flags! {
    /// `OFPPS_*`.
    pub struct PortState: u32, else BadRequest::BadLen, "the port's state is unknown" {
        /// No link.
        LINK_DOWN = 1;
        /// Blocked.
        BLOCKED = 2;
        /// Live, for fast failover.
        LIVE = 4;
    }
}

wire_flags! {
    /// `OFPPF_*`.
    pub struct PortFeatures: u32, else PortModFailed::BadAdvertise, "the port's feature is unknown" {
        /// 10 Mbit/s, half duplex.
        MB10_HD = 1;
        /// 10 Mbit/s.
        MB10_FD = 1 << 1;
        /// 100 Mbit/s, half duplex.
        MB100_HD = 1 << 2;
        /// 100 Mbit/s.
        MB100_FD = 1 << 3;
        /// 1 Gbit/s, half duplex.
        GB1_HD = 1 << 4;
        /// 1 Gbit/s.
        GB1_FD = 1 << 5;
        /// 10 Gbit/s.
        GB10_FD = 1 << 6;
        /// 40 Gbit/s.
        GB40_FD = 1 << 7;
        /// 100 Gbit/s.
        GB100_FD = 1 << 8;
        /// 1 Tbit/s.
        TB1_FD = 1 << 9;
        /// Another rate.
        OTHER = 1 << 10;
        /// Copper.
        COPPER = 1 << 11;
        /// Fibre.
        FIBER = 1 << 12;
        /// Negotiates.
        AUTONEG = 1 << 13;
        /// Pauses.
        PAUSE = 1 << 14;
        /// Pauses one way.
        PAUSE_ASYM = 1 << 15;
    }
}

wire_struct! {
    /// `OFPT_PORT_STATUS`.
    pub struct PortStatus {
        /// What happened.
        reason: PortReason, pad 7;
        /// The port, as it is now; as it was, if it went.
        port: Port;
    }
}

wire_enum! {
    /// `OFPPR_*`.
    pub enum PortReason: u8, else BadRequest::BadLen, "the reason of the port status is unknown" {
        /// It came.
        Add = 0,
        /// It went.
        Delete = 1,
        /// It changed.
        Modify = 2,
    }
}

/// `OFPT_PORT_MOD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortMod {
    /// Which port; never a reserved one but [`PortNo::LOCAL`].
    pub port_no: PortNo,
    /// Its address, which must be the port's.
    pub hw_addr: Mac,
    /// The new configuration, where `mask` has ones.
    pub config: PortConfig,
    /// Which of it changes.
    pub mask: PortConfig,
    /// What is advertised; none: as it was.
    pub advertise: PortFeatures,
}

impl Wire for PortMod {
    fn read(reader: &mut Reader<'_>) -> Result<PortMod, DecodeError> {
        let at = reader.clone();
        let port_no = PortNo::read_or(reader, PortModFailed::BadPort)?;
        if !port_no.is_physical() && port_no != PortNo::LOCAL {
            return Err(at.error(PortModFailed::BadPort, "a reserved port has no configuration"));
        }
        reader.pad(4)?;
        let hw_addr = Mac::read(reader)?;
        reader.pad(2)?;
        let (config, mask) = (PortConfig::read(reader)?, PortConfig::read(reader)?);
        let advertise = PortFeatures::read(reader)?;
        reader.pad(4)?;
        Ok(PortMod { port_no, hw_addr, config, mask, advertise })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.port_no.write(writer);
        writer.pad(4);
        self.hw_addr.write(writer);
        writer.pad(2);
        self.config.write(writer);
        self.mask.write(writer);
        self.advertise.write(writer);
        writer.pad(4);
    }
}
