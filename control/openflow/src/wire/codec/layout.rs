//! Layouts said once: structures of fixed size, enumerations and flags.

use sluice_api::mac::Mac;

use super::{Reader, Writer};
use crate::wire::error::DecodeError;

/// A value with one form on the wire.
pub(in crate::wire) trait Wire: Sized {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
    fn write(&self, writer: &mut Writer<'_>);
}

macro_rules! wire_integers {
    ($($integer:ident),*) => {$(
        impl Wire for $integer {
            fn read(reader: &mut Reader<'_>) -> Result<$integer, DecodeError> {
                reader.$integer()
            }

            fn write(&self, writer: &mut Writer<'_>) {
                writer.$integer(*self);
            }
        }
    )*};
}

wire_integers!(u8, u16, u32, u64);

impl Wire for Mac {
    fn read(reader: &mut Reader<'_>) -> Result<Mac, DecodeError> {
        reader.array().map(Mac)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.bytes(&self.0);
    }
}

/// A structure of fixed size: fields in their order, each with the padding behind it.
macro_rules! wire_struct {
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            $(pad $lead:literal,)?
            $($(#[$field_doc:meta])* $field:ident: $type:ty $(, pad $pad:literal)?;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl crate::wire::codec::Wire for $name {
            fn read(
                reader: &mut crate::wire::codec::Reader<'_>,
            ) -> Result<$name, crate::wire::error::DecodeError> {
                $(reader.pad($lead)?;)?
                $(
                    let $field = <$type as crate::wire::codec::Wire>::read(reader)?;
                    $(reader.pad($pad)?;)?
                )*
                Ok($name { $($field),* })
            }

            fn write(&self, writer: &mut crate::wire::codec::Writer<'_>) {
                $(writer.pad($lead);)?
                $(
                    crate::wire::codec::Wire::write(&self.$field, writer);
                    $(writer.pad($pad);)?
                )*
            }
        }
    };
}

/// A number that names one of several things; others are refused with the error behind `else`.
macro_rules! wire_enum {
    (
        $(#[$doc:meta])*
        pub enum $name:ident: $integer:ident, else $error:expr, $what:literal {
            $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The number on the wire.
            pub const fn number(self) -> $integer {
                match self {
                    $($name::$variant => $number,)*
                }
            }

            /// What has this number.
            pub const fn from_number(number: $integer) -> Option<$name> {
                match number {
                    $($number => Some($name::$variant),)*
                    _ => None,
                }
            }
        }

        impl crate::wire::codec::Wire for $name {
            fn read(
                reader: &mut crate::wire::codec::Reader<'_>,
            ) -> Result<$name, crate::wire::error::DecodeError> {
                let at = reader.clone();
                $name::from_number(reader.$integer()?).ok_or_else(|| at.error($error, $what))
            }

            fn write(&self, writer: &mut crate::wire::codec::Writer<'_>) {
                writer.$integer(self.number());
            }
        }
    };
}

/// Bits with names; others are refused with the error behind `else`.
macro_rules! wire_flags {
    (
        $(#[$doc:meta])*
        pub struct $name:ident: $integer:ident, else $error:expr, $what:literal {
            $($(#[$flag_doc:meta])* $flag:ident = $bits:expr;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
        pub struct $name($integer);

        impl $name {
            $($(#[$flag_doc])* pub const $flag: $name = $name($bits);)*

            /// Every bit that has a name.
            pub const ALL: $name = $name(0 $(| $bits)*);

            /// None.
            pub const NONE: $name = $name(0);

            /// These bits, if each has a name.
            pub const fn from_bits(bits: $integer) -> Option<$name> {
                if bits & !$name::ALL.0 == 0 { Some($name(bits)) } else { None }
            }

            /// The bits.
            pub const fn bits(self) -> $integer {
                self.0
            }

            /// Whether all of these are set.
            pub const fn contains(self, flags: $name) -> bool {
                self.0 & flags.0 == flags.0
            }
        }

        impl std::ops::BitOr for $name {
            type Output = $name;

            fn bitor(self, other: $name) -> $name {
                $name(self.0 | other.0)
            }
        }

        impl crate::wire::codec::Wire for $name {
            fn read(
                reader: &mut crate::wire::codec::Reader<'_>,
            ) -> Result<$name, crate::wire::error::DecodeError> {
                let at = reader.clone();
                $name::from_bits(reader.$integer()?).ok_or_else(|| at.error($error, $what))
            }

            fn write(&self, writer: &mut crate::wire::codec::Writer<'_>) {
                writer.$integer(self.0);
            }
        }
    };
}

pub(in crate::wire) use {wire_enum, wire_flags, wire_struct};
