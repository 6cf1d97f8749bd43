//! Which queue of a virtio-net device: virtio 1.2 §5.1.2.

use std::fmt;

/// The direction of a queue, named as the guest names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The switch writes, the guest receives.
    Receive,
    /// The guest transmits, the switch reads.
    Transmit,
}

/// The index of a virtqueue: receive queues are even, transmit queues odd, a pair side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueIndex(u16);

impl QueueIndex {
    /// The receive queue of a pair.
    pub const fn receive(pair: u8) -> Self {
        QueueIndex(2 * pair as u16)
    }

    /// The transmit queue of a pair.
    pub const fn transmit(pair: u8) -> Self {
        QueueIndex(2 * pair as u16 + 1)
    }

    /// Which pair of queues this one belongs to.
    pub const fn pair(self) -> u16 {
        self.0 / 2
    }

    /// Which way frames go.
    pub const fn direction(self) -> Direction {
        if self.0.is_multiple_of(2) { Direction::Receive } else { Direction::Transmit }
    }

    /// The index as virtio and vhost-user count.
    pub const fn value(self) -> u16 {
        self.0
    }
}

impl fmt::Display for QueueIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.direction() {
            Direction::Receive => write!(f, "receiveq{}", self.pair()),
            Direction::Transmit => write!(f, "transmitq{}", self.pair()),
        }
    }
}

/// How many pairs of queues a device has: 1 to [`QueuePairs::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePairs(u8);

impl QueuePairs {
    /// The protocol's `SET_VRING_KICK` has eight bits for a queue's index, so there are at most 128 pairs.
    pub const MAX: u8 = 128;
    /// A device with a single pair.
    pub const ONE: QueuePairs = QueuePairs(1);

    /// `None` unless `pairs` is 1 to [`QueuePairs::MAX`].
    pub const fn new(pairs: u8) -> Option<Self> {
        if pairs >= 1 && pairs <= Self::MAX { Some(QueuePairs(pairs)) } else { None }
    }

    /// The number of pairs.
    pub const fn value(self) -> u8 {
        self.0
    }

    /// The number of queues.
    pub const fn queues(self) -> u16 {
        2 * self.0 as u16
    }

    /// The queue that the frontend calls `index`; `None` if the device has no such queue.
    pub(crate) fn queue(self, index: u32) -> Option<QueueIndex> {
        u16::try_from(index).ok().filter(|&index| index < self.queues()).map(QueueIndex)
    }

    /// All queues in order.
    pub(crate) fn all(self) -> impl Iterator<Item = QueueIndex> {
        (0..self.queues()).map(QueueIndex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_of_a_pair_lie_side_by_side() {
        assert_eq!(QueueIndex::receive(3).value(), 6);
        assert_eq!(QueueIndex::transmit(3).value(), 7);
        assert_eq!(QueueIndex::transmit(3).pair(), 3);
        assert_eq!(QueueIndex::transmit(0).to_string(), "transmitq0");
    }

    #[test]
    fn an_index_beyond_the_pairs_is_no_queue() {
        let pairs = QueuePairs::new(2).unwrap();
        assert_eq!(pairs.queue(3).map(QueueIndex::value), Some(3));
        assert_eq!(pairs.queue(4), None);
        assert_eq!(pairs.queue(65536), None);
        assert_eq!(QueuePairs::new(0), None);
        assert_eq!(QueuePairs::new(129), None);
    }
}
