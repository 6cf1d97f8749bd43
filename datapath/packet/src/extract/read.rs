//! Big-endian reads at an offset. With a constant offset into an array, each is one load without a check.

macro_rules! readers {
    ($($name:ident: $type:ty, $len:literal;)+) => {
        $(
            #[inline(always)]
            pub(super) fn $name(bytes: &[u8], at: usize) -> Option<$type> {
                bytes.get(at..)?.first_chunk::<$len>().map(|chunk| <$type>::from_be_bytes(*chunk))
            }
        )+
    };
}

readers! {
    be8: u8, 1;
    be16: u16, 2;
    be32: u32, 4;
    be64: u64, 8;
    be128: u128, 16;
}

/// Six bytes as a number.
#[inline(always)]
pub(super) fn be48(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(be16(bytes, at)?) << 32 | u64::from(be32(bytes, at + 2)?))
}
