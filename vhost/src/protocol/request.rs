//! The requests that a frontend may send, one variant each.

use std::os::fd::OwnedFd;

use super::ProtocolError;
use super::body::Body;
use crate::memory::RegionLayout;
use crate::ring::RingAddresses;

/// Numbers of the requests that are answered, as the protocol gives them.
mod number {
    pub(super) const GET_FEATURES: u32 = 1;
    pub(super) const SET_FEATURES: u32 = 2;
    pub(super) const SET_OWNER: u32 = 3;
    pub(super) const RESET_OWNER: u32 = 4;
    pub(super) const SET_MEM_TABLE: u32 = 5;
    pub(super) const SET_VRING_NUM: u32 = 8;
    pub(super) const SET_VRING_ADDR: u32 = 9;
    pub(super) const SET_VRING_BASE: u32 = 10;
    pub(super) const GET_VRING_BASE: u32 = 11;
    pub(super) const SET_VRING_KICK: u32 = 12;
    pub(super) const SET_VRING_CALL: u32 = 13;
    pub(super) const SET_VRING_ERR: u32 = 14;
    pub(super) const GET_PROTOCOL_FEATURES: u32 = 15;
    pub(super) const SET_PROTOCOL_FEATURES: u32 = 16;
    pub(super) const GET_QUEUE_NUM: u32 = 17;
    pub(super) const SET_VRING_ENABLE: u32 = 18;
    pub(super) const NET_SET_MTU: u32 = 20;
    pub(super) const RESET_DEVICE: u32 = 34;
    pub(super) const GET_MAX_MEM_SLOTS: u32 = 36;
    pub(super) const ADD_MEM_REG: u32 = 37;
    pub(super) const REM_MEM_REG: u32 = 38;
    pub(super) const SET_STATUS: u32 = 39;
    pub(super) const GET_STATUS: u32 = 40;
}

/// An eventfd of a ring.
#[derive(Debug)]
pub(crate) struct VringEvent {
    pub(crate) index: u32,
    /// `None` if the frontend said that there is none.
    pub(crate) fd: Option<OwnedFd>,
}

/// A request with all that came with it. Descriptors that belong to no field were closed.
#[derive(Debug)]
pub(crate) enum Request {
    Features,
    SetFeatures(u64),
    SetOwner,
    ResetOwner,
    SetMemTable(Vec<(RegionLayout, OwnedFd)>),
    SetVringNum { index: u32, size: u32 },
    SetVringAddr { index: u32, addresses: RingAddresses },
    SetVringBase { index: u32, base: u32 },
    StopVring { index: u32 },
    SetVringKick(VringEvent),
    SetVringCall(VringEvent),
    SetVringErr(VringEvent),
    ProtocolFeatures,
    SetProtocolFeatures(u64),
    QueueNum,
    SetVringEnable { index: u32, enabled: bool },
    SetMtu(u64),
    ResetDevice,
    MaxMemSlots,
    AddMemReg(RegionLayout, OwnedFd),
    RemMemReg(RegionLayout),
    SetStatus(u64),
    Status,
}

impl Request {
    /// Parses the request `number` with its body and the descriptors that came along.
    pub(crate) fn parse(request: u32, body: &[u8], fds: Vec<OwnedFd>) -> Result<Request, ProtocolError> {
        let body = Body::new(request, body);
        if !takes_descriptors(request) && !fds.is_empty() {
            return Err(ProtocolError::Descriptors { request, count: fds.len() });
        }
        Ok(match request {
            number::GET_FEATURES => body.empty().map(|()| Request::Features)?,
            number::SET_FEATURES => Request::SetFeatures(body.only_u64()?),
            number::SET_OWNER => body.empty().map(|()| Request::SetOwner)?,
            number::RESET_OWNER => body.empty().map(|()| Request::ResetOwner)?,
            number::SET_MEM_TABLE => Request::SetMemTable(mem_table(request, body, fds)?),
            number::SET_VRING_NUM => {
                let (index, size) = body.vring_state()?;
                Request::SetVringNum { index, size }
            }
            number::SET_VRING_ADDR => vring_addr(body)?,
            number::SET_VRING_BASE => {
                let (index, base) = body.vring_state()?;
                Request::SetVringBase { index, base }
            }
            number::GET_VRING_BASE => Request::StopVring { index: body.vring_state()?.0 },
            number::SET_VRING_KICK => Request::SetVringKick(vring_event(request, body, fds)?),
            number::SET_VRING_CALL => Request::SetVringCall(vring_event(request, body, fds)?),
            number::SET_VRING_ERR => Request::SetVringErr(vring_event(request, body, fds)?),
            number::GET_PROTOCOL_FEATURES => body.empty().map(|()| Request::ProtocolFeatures)?,
            number::SET_PROTOCOL_FEATURES => Request::SetProtocolFeatures(body.only_u64()?),
            number::GET_QUEUE_NUM => body.empty().map(|()| Request::QueueNum)?,
            number::SET_VRING_ENABLE => {
                let (index, enabled) = body.vring_state()?;
                match enabled {
                    0 | 1 => Request::SetVringEnable { index, enabled: enabled == 1 },
                    _ => return Err(ProtocolError::Value { request, value: enabled.into() }),
                }
            }
            number::NET_SET_MTU => Request::SetMtu(body.only_u64()?),
            number::RESET_DEVICE => body.empty().map(|()| Request::ResetDevice)?,
            number::GET_MAX_MEM_SLOTS => body.empty().map(|()| Request::MaxMemSlots)?,
            number::ADD_MEM_REG => {
                let layout = single_region(body)?;
                Request::AddMemReg(layout, only_fd(request, fds)?)
            }
            // A descriptor that comes along is closed: old frontends send one.
            number::REM_MEM_REG if fds.len() > 1 => {
                return Err(ProtocolError::Descriptors { request, count: fds.len() });
            }
            number::REM_MEM_REG => Request::RemMemReg(single_region(body)?),
            number::SET_STATUS => Request::SetStatus(body.only_u64()?),
            number::GET_STATUS => body.empty().map(|()| Request::Status)?,
            _ => return Err(ProtocolError::Unsupported(request)),
        })
    }
}

fn takes_descriptors(request: u32) -> bool {
    matches!(
        request,
        number::SET_MEM_TABLE
            | number::SET_VRING_KICK
            | number::SET_VRING_CALL
            | number::SET_VRING_ERR
            | number::ADD_MEM_REG
            | number::REM_MEM_REG
    )
}

/// The count of regions, four bytes of padding, then the regions, each with its own descriptor.
fn mem_table(
    request: u32,
    mut body: Body<'_>,
    fds: Vec<OwnedFd>,
) -> Result<Vec<(RegionLayout, OwnedFd)>, ProtocolError> {
    let count = body.u32()?;
    let _padding = body.u32()?;
    if usize::try_from(count) != Ok(fds.len()) {
        return Err(ProtocolError::Descriptors { request, count: fds.len() });
    }
    let regions: Result<Vec<_>, _> = fds.into_iter().map(|fd| Ok((body.region()?, fd))).collect();
    body.end()?;
    regions
}

/// Eight bytes of padding, then the region.
fn single_region(mut body: Body<'_>) -> Result<RegionLayout, ProtocolError> {
    let _padding = body.u64()?;
    let region = body.region()?;
    body.end()?;
    Ok(region)
}

/// Index, flags, then four addresses; the last is for logging, which is not offered.
fn vring_addr(mut body: Body<'_>) -> Result<Request, ProtocolError> {
    let index = body.u32()?;
    let _flags = body.u32()?;
    let (descriptors, used, available) = (body.u64()?, body.u64()?, body.u64()?);
    let _log = body.u64()?;
    body.end()?;
    Ok(Request::SetVringAddr { index, addresses: RingAddresses { descriptors, available, used } })
}

/// The ring's index in eight bits; the ninth says that no descriptor comes along.
fn vring_event(request: u32, body: Body<'_>, fds: Vec<OwnedFd>) -> Result<VringEvent, ProtocolError> {
    const INDEX: u64 = 0xff;
    const NO_FD: u64 = 0x100;
    let value = body.only_u64()?;
    if value & !(INDEX | NO_FD) != 0 {
        return Err(ProtocolError::Value { request, value });
    }
    let index = (value & INDEX) as u32;
    if value & NO_FD == 0 {
        return Ok(VringEvent { index, fd: Some(only_fd(request, fds)?) });
    }
    match fds.len() {
        0 => Ok(VringEvent { index, fd: None }),
        count => Err(ProtocolError::Descriptors { request, count }),
    }
}

fn only_fd(request: u32, fds: Vec<OwnedFd>) -> Result<OwnedFd, ProtocolError> {
    match <[OwnedFd; 1]>::try_from(fds) {
        Ok([fd]) => Ok(fd),
        Err(fds) => Err(ProtocolError::Descriptors { request, count: fds.len() }),
    }
}
