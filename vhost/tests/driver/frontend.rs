//! A frontend: sends what it is told, right or wrong.

use std::io::{IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::ram::Ram;
use super::ring::DriverRing;

pub const GET_FEATURES: u32 = 1;
pub const SET_FEATURES: u32 = 2;
pub const SET_OWNER: u32 = 3;
pub const SET_MEM_TABLE: u32 = 5;
pub const SET_VRING_NUM: u32 = 8;
pub const SET_VRING_ADDR: u32 = 9;
pub const SET_VRING_BASE: u32 = 10;
pub const GET_VRING_BASE: u32 = 11;
pub const SET_VRING_KICK: u32 = 12;
pub const SET_VRING_CALL: u32 = 13;
pub const GET_PROTOCOL_FEATURES: u32 = 15;
pub const SET_PROTOCOL_FEATURES: u32 = 16;
pub const GET_QUEUE_NUM: u32 = 17;
pub const SET_VRING_ENABLE: u32 = 18;
pub const NET_SET_MTU: u32 = 20;
pub const RESET_DEVICE: u32 = 34;
pub const GET_MAX_MEM_SLOTS: u32 = 36;
pub const ADD_MEM_REG: u32 = 37;
pub const REM_MEM_REG: u32 = 38;
pub const SET_STATUS: u32 = 39;
pub const GET_STATUS: u32 = 40;

pub const NEED_REPLY: u32 = 1 << 3;

pub const MRG_RXBUF: u64 = 1 << 15;
pub const INDIRECT_DESC: u64 = 1 << 28;
pub const EVENT_IDX: u64 = 1 << 29;
pub const PROTOCOL_FEATURES: u64 = 1 << 30;
pub const VERSION_1: u64 = 1 << 32;
pub const IN_ORDER: u64 = 1 << 35;

pub struct Frontend {
    pub stream: UnixStream,
}

/// The eventfds of a ring as the frontend holds them.
pub struct Events {
    pub kick: OwnedFd,
    pub call: OwnedFd,
}

impl Events {
    pub fn new() -> Events {
        let new = || eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
        Events { kick: new(), call: new() }
    }

    /// How often the device called since the last time.
    pub fn calls(&self) -> u64 {
        let mut count = [0; 8];
        match rustix::io::read(&self.call, &mut count) {
            Ok(_) => u64::from_ne_bytes(count),
            Err(_) => 0,
        }
    }
}

impl Frontend {
    pub fn connect(path: &Path) -> Frontend {
        Frontend::over(UnixStream::connect(path).unwrap())
    }

    pub fn over(stream: UnixStream) -> Frontend {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Frontend { stream }
    }

    /// Sends raw bytes with descriptors.
    pub fn send_raw(&mut self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(200))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            assert!(control.push(SendAncillaryMessage::ScmRights(fds)));
        }
        sendmsg(&self.stream, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL).map(drop)
    }

    pub fn message(request: u32, flags: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(request.to_ne_bytes());
        bytes.extend((1 | flags).to_ne_bytes());
        bytes.extend((body.len() as u32).to_ne_bytes());
        bytes.extend(body);
        bytes
    }

    pub fn send(&mut self, request: u32, body: &[u8], fds: &[BorrowedFd<'_>]) {
        self.send_raw(&Frontend::message(request, 0, body), fds).unwrap();
    }

    /// Sends a request and asks to be told; whether it was done.
    pub fn ask(&mut self, request: u32, body: &[u8], fds: &[BorrowedFd<'_>]) -> bool {
        self.send_raw(&Frontend::message(request, NEED_REPLY, body), fds).unwrap();
        self.reply(request) == 0
    }

    /// The body of the reply, as a number.
    pub fn reply(&mut self, request: u32) -> u64 {
        let mut bytes = [0; 20];
        self.stream.read_exact(&mut bytes).unwrap();
        let word = |n: usize| u32::from_ne_bytes(bytes[4 * n..4 * n + 4].try_into().unwrap());
        assert_eq!((word(0), word(1), word(2)), (request, 1 | 4, 8));
        u64::from_ne_bytes(bytes[12..].try_into().unwrap())
    }

    pub fn query(&mut self, request: u32) -> u64 {
        self.send(request, &[], &[]);
        self.reply(request)
    }

    pub fn set_u64(&mut self, request: u32, value: u64) {
        self.send(request, &value.to_ne_bytes(), &[]);
    }

    pub fn set_vring(&mut self, request: u32, index: u32, value: u32) {
        self.send(request, &pair(index, value), &[]);
    }

    /// Whether the backend has closed the connection.
    pub fn closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 64]), Ok(0) | Err(_))
    }

    /// Everything up to the features.
    pub fn negotiate(&mut self, features: u64) {
        self.send(SET_OWNER, &[], &[]);
        let offered = self.query(GET_FEATURES);
        assert_eq!(offered & features, features);
        let protocol = self.query(GET_PROTOCOL_FEATURES);
        self.set_u64(SET_PROTOCOL_FEATURES, protocol);
        self.set_u64(SET_FEATURES, features);
    }

    pub fn set_memory(&mut self, rams: &[&Ram]) -> bool {
        let mut body = Vec::new();
        body.extend((rams.len() as u32).to_ne_bytes());
        body.extend([0; 4]);
        for ram in rams {
            body.extend(region(ram));
        }
        let files: Vec<OwnedFd> = rams.iter().map(|ram| ram.file()).collect();
        let fds: Vec<BorrowedFd<'_>> = files.iter().map(AsFd::as_fd).collect();
        self.ask(SET_MEM_TABLE, &body, &fds)
    }

    pub fn add_memory(&mut self, ram: &Ram) -> bool {
        let mut body = vec![0; 8];
        body.extend(region(ram));
        self.ask(ADD_MEM_REG, &body, &[ram.file().as_fd()])
    }

    pub fn remove_memory(&mut self, ram: &Ram) -> bool {
        let mut body = vec![0; 8];
        body.extend(region(ram));
        self.ask(REM_MEM_REG, &body, &[])
    }

    /// Tells the device of a ring, in the order in which QEMU does.
    pub fn set_ring(&mut self, index: u32, ring: &DriverRing, base: u16, events: &Events) {
        self.set_vring(SET_VRING_NUM, index, ring.size.into());
        self.set_vring(SET_VRING_BASE, index, base.into());
        self.set_address(index, ring);
        self.send(SET_VRING_KICK, &u64::from(index).to_ne_bytes(), &[events.kick.as_fd()]);
        self.send(SET_VRING_CALL, &u64::from(index).to_ne_bytes(), &[events.call.as_fd()]);
    }

    pub fn set_address(&mut self, index: u32, ring: &DriverRing) {
        let user = |at: usize| ring.ram.user + at as u64;
        let mut body = pair(index, 0).to_vec();
        for address in [user(ring.descriptors), user(ring.used), user(ring.available), 0] {
            body.extend(address.to_ne_bytes());
        }
        self.send(SET_VRING_ADDR, &body, &[]);
    }

    /// Stops a ring; where it stopped.
    pub fn stop_ring(&mut self, index: u32) -> u16 {
        self.set_vring(GET_VRING_BASE, index, 0);
        let reply = self.reply(GET_VRING_BASE).to_ne_bytes();
        u32::from_ne_bytes(reply[4..].try_into().unwrap()) as u16
    }
}

pub fn pair(index: u32, value: u32) -> [u8; 8] {
    let mut body = [0; 8];
    body[..4].copy_from_slice(&index.to_ne_bytes());
    body[4..].copy_from_slice(&value.to_ne_bytes());
    body
}

pub fn region(ram: &Ram) -> Vec<u8> {
    [ram.guest, ram.len() as u64, ram.user, 0].into_iter().flat_map(u64::to_ne_bytes).collect()
}
