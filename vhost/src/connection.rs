//! One connection with a frontend: messages in, replies out, never waiting for a peer that sends half of one.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags, recvmsg, send,
};
use thiserror::Error;

use crate::host::Peer;
use crate::protocol::{HEADER_LEN, Header, MAX_BODY, MAX_FDS, ProtocolError, Reply, Request};

/// Why a connection came to its end.
#[derive(Debug, Error)]
pub(crate) enum ConnectionError {
    #[error("the frontend closed the connection")]
    Closed,
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    #[error("the socket failed: {0}")]
    Socket(#[from] Errno),
}

/// A request together with what is needed to answer it.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) number: u32,
    pub(crate) need_reply: bool,
    pub(crate) request: Request,
}

/// A connection, and the message that is coming in over it.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: UnixStream,
    bytes: [u8; HEADER_LEN + MAX_BODY],
    /// How many of `bytes` have come.
    filled: usize,
    /// Once the header is there: never is more read than one message, so that descriptors stay with theirs.
    header: Option<Header>,
    fds: Vec<OwnedFd>,
}

impl Connection {
    pub(crate) fn new(stream: UnixStream) -> Result<Self, ConnectionError> {
        stream.set_nonblocking(true).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::INVAL))?;
        let bytes = [0; HEADER_LEN + MAX_BODY];
        Ok(Connection { stream, bytes, filled: 0, header: None, fds: Vec::new() })
    }

    /// Who is at the other end, if the system tells.
    pub(crate) fn peer(&self) -> Option<Peer> {
        let credentials = rustix::net::sockopt::socket_peercred(&self.stream).ok()?;
        let pid = u32::try_from(credentials.pid.as_raw_nonzero().get()).ok()?;
        Some(Peer { pid, uid: credentials.uid.as_raw() })
    }

    /// The next message; `None` if it has not come yet as a whole.
    pub(crate) fn receive(&mut self) -> Result<Option<Message>, ConnectionError> {
        loop {
            let wanted = HEADER_LEN + self.header.map_or(0, |header| header.body_len);
            if self.filled < wanted {
                if !self.fill(wanted)? {
                    return Ok(None);
                }
                continue;
            }
            match self.header {
                None => {
                    let header = self.bytes.first_chunk().ok_or(ProtocolError::Truncated)?;
                    self.header = Some(Header::parse(header)?);
                }
                Some(header) => return self.message(header, wanted).map(Some),
            }
        }
    }

    /// Sends a reply. A frontend that reads none until its socket is full is not waited for.
    pub(crate) fn send(&mut self, reply: &Reply) -> Result<(), ConnectionError> {
        let bytes = reply.as_bytes();
        let sent = rustix::io::retry_on_intr(|| send(&self.stream, bytes, SendFlags::NOSIGNAL));
        match sent {
            Ok(sent) if sent == bytes.len() => Ok(()),
            Ok(_) => Err(Errno::AGAIN.into()),
            Err(Errno::PIPE | Errno::CONNRESET) => Err(ConnectionError::Closed),
            Err(errno) => Err(errno.into()),
        }
    }

    fn message(&mut self, header: Header, len: usize) -> Result<Message, ConnectionError> {
        let body = self.bytes.get(HEADER_LEN..len).unwrap_or(&[]);
        let fds = std::mem::take(&mut self.fds);
        let request = Request::parse(header.request, body, fds)?;
        self.filled = 0;
        self.header = None;
        Ok(Message { number: header.request, need_reply: header.need_reply, request })
    }

    /// Reads towards `wanted` bytes; false if nothing more is there now.
    fn fill(&mut self, wanted: usize) -> Result<bool, ConnectionError> {
        let room = self.bytes.get_mut(self.filled..wanted).unwrap_or(&mut []);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received =
            recvmsg(&self.stream, &mut [IoSliceMut::new(room)], &mut control, RecvFlags::CMSG_CLOEXEC);
        let received = match received {
            Ok(received) => received,
            Err(Errno::AGAIN) => return Ok(false),
            Err(Errno::INTR) => return Ok(true),
            Err(Errno::CONNRESET) => return Err(ConnectionError::Closed),
            Err(errno) => return Err(errno.into()),
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                self.fds.extend(fds);
            }
        }
        if received.flags.contains(ReturnFlags::CTRUNC) || self.fds.len() > MAX_FDS {
            return Err(ProtocolError::TooManyDescriptors.into());
        }
        match received.bytes {
            0 if self.filled == 0 => Err(ConnectionError::Closed),
            0 => Err(ProtocolError::Truncated.into()),
            n => {
                self.filled += n;
                Ok(true)
            }
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
