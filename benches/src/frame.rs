//! The frames of numbered flows: 64 bytes of Ethernet, IPv4 and UDP, plain or carried in VXLAN.
//!
//! A flow's number determines its whole 5-tuple, and no two numbers below [`FLOWS`] have the same.

/// As many flows have distinct 5-tuples.
pub const FLOWS: u32 = PORTS * 20;

const FRAME_BYTES: usize = 64;
const ETHERNET_BYTES: usize = 14;
const IPV4_BYTES: usize = 20;
const UDP_BYTES: usize = 8;
const PORTS: u32 = 50_000;

const GUEST_MACS: Macs = Macs { dst: [0x52, 0x54, 0, 0, 0, 2], src: [0x52, 0x54, 0, 0, 0, 1] };

/// The underlay of the VXLAN cases.
pub mod underlay {
    /// Its addresses as a switch is configured with them.
    #[derive(Clone, Copy, Debug)]
    pub struct Addresses {
        /// The VTEP of the switch under test, with the prefix length of its network.
        pub local: &'static str,
        /// Its MAC address: the one that net_pcap gives to its first device.
        pub local_mac: &'static str,
        /// The other VTEP.
        pub remote: &'static str,
        /// The MAC address of the other VTEP.
        pub remote_mac: &'static str,
        /// The tenant's network identifier.
        pub vni: u32,
    }

    /// The addresses.
    pub const ADDRESSES: Addresses = Addresses {
        local: "192.168.0.1/24",
        local_mac: "02:70:63:61:70:00",
        remote: "192.168.0.2",
        remote_mac: "02:00:00:00:00:aa",
        vni: 100,
    };

    pub(super) const VXLAN_PORT: u16 = 4789;
    pub(super) const LOCAL: [u8; 4] = [192, 168, 0, 1];
    pub(super) const REMOTE: [u8; 4] = [192, 168, 0, 2];
    pub(super) const LOCAL_MAC: [u8; 6] = *b"\x02pcap\0";
    pub(super) const REMOTE_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0xaa];
}

#[derive(Clone, Copy)]
struct Macs {
    dst: [u8; 6],
    src: [u8; 6],
}

#[derive(Clone, Copy)]
struct Tuple {
    src: [u8; 4],
    dst: [u8; 4],
    src_port: u16,
    dst_port: u16,
}

/// The frame of flow `number`: UDP from 10.0.0.0/16 to 10.1.0.0/16, the destination ports from 4000 up, 50 000
/// flows each.
pub fn plain(number: u32) -> Vec<u8> {
    let [_, _, high, low] = number.to_be_bytes();
    let [_, _, shifted_high, shifted_low] = (number >> 6).to_be_bytes();
    let tuple = Tuple {
        src: [10, 0, high, low],
        dst: [10, 1, shifted_high, shifted_low],
        src_port: port(1024 + number % PORTS),
        dst_port: port(4000 + number / PORTS),
    };
    let payload = [b'x'; FRAME_BYTES - ETHERNET_BYTES - IPV4_BYTES - UDP_BYTES];
    udp(GUEST_MACS, tuple, &payload)
}

/// The same frame in VXLAN (RFC 7348 §5) from the other VTEP to ours. The source port depends on the flow, as §5
/// recommends; the UDP checksum is zero.
pub fn in_vxlan(number: u32) -> Vec<u8> {
    let macs = Macs { dst: underlay::LOCAL_MAC, src: underlay::REMOTE_MAC };
    let tuple = Tuple {
        src: underlay::REMOTE,
        dst: underlay::LOCAL,
        src_port: port(49_152 + number % 16_000),
        dst_port: underlay::VXLAN_PORT,
    };
    let flags = 0x0800_0000_u32; // the VNI is valid
    let mut payload = Vec::new();
    payload.extend(flags.to_be_bytes());
    payload.extend((underlay::ADDRESSES.vni << 8).to_be_bytes());
    payload.extend(plain(number));
    udp(macs, tuple, &payload)
}

/// An ARP request (RFC 826) of the other VTEP for ours: who receives it knows the other VTEP's MAC address.
pub fn arp_request() -> Vec<u8> {
    let mut frame = Vec::from([0xff; 6]);
    frame.extend(underlay::REMOTE_MAC);
    frame.extend(0x0806_u16.to_be_bytes());
    frame.extend([0, 1, 8, 0, 6, 4, 0, 1]); // Ethernet, IPv4, their lengths, request
    frame.extend(underlay::REMOTE_MAC);
    frame.extend(underlay::REMOTE);
    frame.extend([0; 6]);
    frame.extend(underlay::LOCAL);
    frame.resize(FRAME_BYTES, 0);
    frame
}

fn udp(macs: Macs, tuple: Tuple, payload: &[u8]) -> Vec<u8> {
    let udp_bytes = UDP_BYTES + payload.len();
    let mut frame = Vec::with_capacity(ETHERNET_BYTES + IPV4_BYTES + udp_bytes);
    frame.extend(macs.dst);
    frame.extend(macs.src);
    frame.extend(0x0800_u16.to_be_bytes());
    frame.extend(ipv4_header(tuple, IPV4_BYTES + udp_bytes));
    frame.extend(tuple.src_port.to_be_bytes());
    frame.extend(tuple.dst_port.to_be_bytes());
    frame.extend(length(udp_bytes).to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

/// RFC 791 §3.1: no options, don't fragment, TTL 64, UDP.
fn ipv4_header(tuple: Tuple, total_bytes: usize) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend(length(total_bytes).to_be_bytes());
    header.extend([0, 0, 0x40, 0, 64, 17]);
    let addresses = [tuple.src, tuple.dst].concat();
    let sum = checksum(&[header.as_slice(), &addresses].concat());
    header.extend(sum.to_be_bytes());
    header.extend(addresses);
    header
}

/// RFC 1071, of an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.as_chunks::<2>().0;
    !words.iter().fold(0_u16, |sum, word| {
        let (sum, carry) = sum.overflowing_add(u16::from_be_bytes(*word));
        sum + u16::from(carry)
    })
}

/// Frames here are far shorter than 64 KiB.
fn length(bytes: usize) -> u16 {
    u16::try_from(bytes).unwrap_or(u16::MAX)
}

/// Ports of flows below [`FLOWS`] are far below 65536.
fn port(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use pnet::packet::Packet;
    use pnet::packet::arp::ArpPacket;
    use pnet::packet::ethernet::{EtherTypes, EthernetPacket};
    use pnet::packet::ip::IpNextHeaderProtocols;
    use pnet::packet::ipv4::{self, Ipv4Packet};
    use pnet::packet::udp::UdpPacket;
    use pnet::packet::vxlan::VxlanPacket;

    use super::*;

    fn five_tuple(frame: &[u8]) -> (u32, u32, u16, u16, Vec<u8>) {
        let ethernet = EthernetPacket::new(frame).unwrap();
        assert_eq!(ethernet.get_ethertype(), EtherTypes::Ipv4);
        let ip = Ipv4Packet::new(ethernet.payload()).unwrap();
        assert_eq!(ip.get_checksum(), ipv4::checksum(&ip));
        assert_eq!(usize::from(ip.get_total_length()), frame.len() - 14);
        assert_eq!(ip.get_next_level_protocol(), IpNextHeaderProtocols::Udp);
        let udp = UdpPacket::new(ip.payload()).unwrap();
        assert_eq!(usize::from(udp.get_length()), frame.len() - 34);
        let (src, dst) = (ip.get_source().to_bits(), ip.get_destination().to_bits());
        (src, dst, udp.get_source(), udp.get_destination(), udp.payload().to_vec())
    }

    #[test]
    fn flows_are_64_bytes_and_distinct() {
        let mut seen = HashSet::new();
        for number in (0..FLOWS).step_by(101) {
            let frame = plain(number);
            assert_eq!(frame.len(), 64);
            let (src, dst, src_port, dst_port, _) = five_tuple(&frame);
            assert_eq!((src >> 16, dst >> 16), (0x0a00, 0x0a01));
            assert!(seen.insert((src, dst, src_port, dst_port)), "flow {number} is another's");
        }
    }

    #[test]
    fn the_first_100_000_flows_are_those_the_rules_admit() {
        for number in 0..100_000 {
            let port = 4000 + u16::try_from(number / PORTS).unwrap();
            assert_eq!(five_tuple(&plain(number)).3, port);
            assert!(port == 4000 || port == 4001);
        }
    }

    #[test]
    fn vxlan_carries_the_plain_frame() {
        let frame = in_vxlan(12_345);
        assert_eq!(
            EthernetPacket::new(&frame).unwrap().get_destination().to_string(),
            underlay::ADDRESSES.local_mac
        );
        let (src, dst, _, dst_port, payload) = five_tuple(&frame);
        assert_eq!((src, dst, dst_port), (0xc0a8_0002, 0xc0a8_0001, 4789));
        let vxlan = VxlanPacket::new(&payload).unwrap();
        assert_eq!((vxlan.get_flags(), vxlan.get_vni()), (8, 100));
        assert_eq!(vxlan.payload(), plain(12_345));
    }

    #[test]
    fn the_other_vtep_asks_for_ours() {
        let frame = arp_request();
        let arp = ArpPacket::new(&frame[14..]).unwrap();
        assert_eq!(arp.get_sender_proto_addr().to_string(), underlay::ADDRESSES.remote);
        assert_eq!(arp.get_sender_hw_addr().to_string(), underlay::ADDRESSES.remote_mac);
        assert_eq!(arp.get_target_proto_addr().to_string() + "/24", underlay::ADDRESSES.local);
    }
}
