//! Ports' queues (OpenFlow 1.3.5 §7.2.2, §7.3.6).

use super::codec::{Reader, Wire, Writer};
use super::error::{BadRequest, DecodeError, QueueOpFailed};
use super::number::{PortNo, QueueId};

const MIN_RATE: u16 = 1;
const MAX_RATE: u16 = 2;
const EXPERIMENTER: u16 = 0xffff;
const QUEUE_HEADER_BYTES: usize = 16;
const PROPERTY_HEADER_BYTES: usize = 8;

/// `OFPT_QUEUE_GET_CONFIG_REQUEST`: a port, or [`PortNo::ANY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueConfigRequest {
    /// Whose queues.
    pub port: PortNo,
}

/// `OFPT_QUEUE_GET_CONFIG_REPLY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConfigReply {
    /// Whose queues were asked for.
    pub port: PortNo,
    /// The queues.
    pub queues: Vec<Queue>,
}

/// `struct ofp_packet_queue`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its number.
    pub queue: QueueId,
    /// Whose it is.
    pub port: PortNo,
    /// What it is like.
    pub properties: Vec<QueueProperty>,
}

/// `OFPQT_*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueProperty {
    /// At least this rate, in tenths of a percent; above 1000: not configured.
    MinRate(u16),
    /// At most this rate, in tenths of a percent; above 1000: not configured.
    MaxRate(u16),
    /// An experimenter's.
    Experimenter {
        /// Whose.
        experimenter: u32,
        /// What.
        data: Vec<u8>,
    },
}

impl Wire for QueueConfigRequest {
    fn read(reader: &mut Reader<'_>) -> Result<QueueConfigRequest, DecodeError> {
        let at = reader.clone();
        let port = PortNo::read_or(reader, QueueOpFailed::BadPort)?;
        if !port.is_physical() && !matches!(port, PortNo::ANY | PortNo::LOCAL) {
            return Err(at.error(QueueOpFailed::BadPort, "a reserved port has no queues"));
        }
        reader.pad(4)?;
        Ok(QueueConfigRequest { port })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.port.write(writer);
        writer.pad(4);
    }
}

impl Wire for QueueConfigReply {
    fn read(reader: &mut Reader<'_>) -> Result<QueueConfigReply, DecodeError> {
        let port = PortNo::read_or(reader, QueueOpFailed::BadPort)?;
        reader.pad(4)?;
        Ok(QueueConfigReply { port, queues: reader.list(Queue::read)? })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.port.write(writer);
        writer.pad(4);
        self.queues.iter().for_each(|queue| queue.write(writer));
    }
}

impl Wire for Queue {
    fn read(reader: &mut Reader<'_>) -> Result<Queue, DecodeError> {
        let at = reader.clone();
        let queue = QueueId::read(reader)?;
        let port = PortNo::read_or(reader, QueueOpFailed::BadPort)?;
        let length = usize::from(reader.u16()?);
        reader.pad(6)?;
        let properties = length
            .checked_sub(QUEUE_HEADER_BYTES)
            .ok_or_else(|| at.error(BadRequest::BadLen, "the queue is shorter than its header"))?;
        let properties = reader.take(properties)?.list(QueueProperty::read)?;
        Ok(Queue { queue, port, properties })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let start = writer.len();
        self.queue.write(writer);
        self.port.write(writer);
        let length = writer.length_later();
        writer.pad(6);
        self.properties.iter().for_each(|property| property.write(writer));
        writer.fill_length(length, start);
    }
}

impl Wire for QueueProperty {
    fn read(reader: &mut Reader<'_>) -> Result<QueueProperty, DecodeError> {
        let at = reader.clone();
        let (kind, length) = (reader.u16()?, usize::from(reader.u16()?));
        reader.pad(4)?;
        let body = length
            .checked_sub(PROPERTY_HEADER_BYTES)
            .ok_or_else(|| at.bad_length("the property is shorter than its header"))?;
        let mut body = reader.take(body)?;
        let property = match kind {
            MIN_RATE | MAX_RATE => {
                let rate = body.u16()?;
                body.pad(6)?;
                if kind == MIN_RATE { QueueProperty::MinRate(rate) } else { QueueProperty::MaxRate(rate) }
            }
            EXPERIMENTER => {
                let experimenter = body.u32()?;
                body.pad(4)?;
                QueueProperty::Experimenter { experimenter, data: body.rest().to_vec() }
            }
            _ => return Err(at.error(BadRequest::BadLen, "the queue's property is unknown")),
        };
        body.finish()?;
        Ok(property)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let start = writer.len();
        let kind = match self {
            QueueProperty::MinRate(_) => MIN_RATE,
            QueueProperty::MaxRate(_) => MAX_RATE,
            QueueProperty::Experimenter { .. } => EXPERIMENTER,
        };
        writer.u16(kind);
        let length = writer.length_later();
        writer.pad(4);
        match self {
            QueueProperty::MinRate(rate) | QueueProperty::MaxRate(rate) => {
                writer.u16(*rate);
                writer.pad(6);
            }
            QueueProperty::Experimenter { experimenter, data } => {
                writer.u32(*experimenter);
                writer.pad(4);
                writer.bytes(data);
            }
        }
        writer.fill_length(length, start);
    }
}
