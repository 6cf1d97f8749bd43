//! Feature bits: virtio 1.2 §5.1.3 and §6, and the vhost-user protocol's own.

use std::fmt;
use std::ops::BitOr;

/// A set of virtio feature bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u64);

impl Features {
    /// `VIRTIO_NET_F_MTU`: the device says the largest MTU.
    pub const MTU: Features = Features(1 << 3);
    /// `VIRTIO_NET_F_MRG_RXBUF`: one frame may lie in several receive buffers.
    pub const MRG_RXBUF: Features = Features(1 << 15);
    /// `VIRTIO_NET_F_STATUS`: the device tells whether its link is up.
    pub const STATUS: Features = Features(1 << 16);
    /// `VIRTIO_NET_F_MQ`: several queue pairs.
    pub const MQ: Features = Features(1 << 22);
    /// `VIRTIO_RING_F_INDIRECT_DESC`: chains in tables of their own.
    pub const INDIRECT_DESC: Features = Features(1 << 28);
    /// `VIRTIO_RING_F_EVENT_IDX`: notifications are asked for by index.
    pub const EVENT_IDX: Features = Features(1 << 29);
    /// `VHOST_USER_F_PROTOCOL_FEATURES`: the vhost-user protocol's own features can be negotiated.
    pub const PROTOCOL_FEATURES: Features = Features(1 << 30);
    /// `VIRTIO_F_VERSION_1`: not a legacy driver.
    pub const VERSION_1: Features = Features(1 << 32);
    /// `VIRTIO_F_IN_ORDER`: buffers are used in the order in which they were made available.
    pub const IN_ORDER: Features = Features(1 << 35);

    /// The bits as virtio numbers them.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Features) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Features(bits)
    }

    /// Length of the virtio-net header in front of every frame (virtio 1.2 §5.1.6).
    pub(crate) const fn header_len(self) -> usize {
        if self.contains(Features::VERSION_1) || self.contains(Features::MRG_RXBUF) { 12 } else { 10 }
    }
}

impl Features {
    /// The names of the bits that are set and that this crate knows, as virtio and vhost-user write them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMES: [(Features, &str); 9] = [
            (Features::MTU, "VIRTIO_NET_F_MTU"),
            (Features::MRG_RXBUF, "VIRTIO_NET_F_MRG_RXBUF"),
            (Features::STATUS, "VIRTIO_NET_F_STATUS"),
            (Features::MQ, "VIRTIO_NET_F_MQ"),
            (Features::INDIRECT_DESC, "VIRTIO_RING_F_INDIRECT_DESC"),
            (Features::EVENT_IDX, "VIRTIO_RING_F_EVENT_IDX"),
            (Features::PROTOCOL_FEATURES, "VHOST_USER_F_PROTOCOL_FEATURES"),
            (Features::VERSION_1, "VIRTIO_F_VERSION_1"),
            (Features::IN_ORDER, "VIRTIO_F_IN_ORDER"),
        ];
        NAMES.into_iter().filter(move |(bit, _)| self.contains(*bit)).map(|(_, name)| name)
    }
}

impl BitOr for Features {
    type Output = Features;

    fn bitor(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }
}

impl fmt::LowerHex for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.0, f)
    }
}

/// `VHOST_USER_PROTOCOL_F_*`: the vhost-user protocol's own features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProtocolFeatures(u64);

impl ProtocolFeatures {
    pub(crate) const MQ: ProtocolFeatures = ProtocolFeatures(1 << 0);
    pub(crate) const REPLY_ACK: ProtocolFeatures = ProtocolFeatures(1 << 3);
    pub(crate) const NET_MTU: ProtocolFeatures = ProtocolFeatures(1 << 4);
    pub(crate) const RESET_DEVICE: ProtocolFeatures = ProtocolFeatures(1 << 13);
    pub(crate) const CONFIGURE_MEM_SLOTS: ProtocolFeatures = ProtocolFeatures(1 << 15);
    pub(crate) const STATUS: ProtocolFeatures = ProtocolFeatures(1 << 16);

    /// Every protocol feature this backend answers for.
    pub(crate) const OFFERED: ProtocolFeatures = ProtocolFeatures(
        Self::MQ.0
            | Self::REPLY_ACK.0
            | Self::NET_MTU.0
            | Self::RESET_DEVICE.0
            | Self::CONFIGURE_MEM_SLOTS.0
            | Self::STATUS.0,
    );

    pub(crate) const fn from_bits(bits: u64) -> Self {
        ProtocolFeatures(bits)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn contains(self, other: ProtocolFeatures) -> bool {
        self.0 & other.0 == other.0
    }
}
