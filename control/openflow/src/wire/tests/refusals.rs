use crate::wire::*;
