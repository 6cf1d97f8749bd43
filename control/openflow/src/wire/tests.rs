//! Tests of the codec: random messages, mutated bytes, recorded messages, and refusals by their code.

mod canonical;
mod documented;
mod entropy;
mod golden;
mod messages;
mod mutation;
mod refusals;
mod round_trip;
