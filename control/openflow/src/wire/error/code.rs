//! The types and codes of errors, as OpenFlow 1.3.5 §7.4.4 numbers them.

use std::fmt;

use crate::wire::experimenter::ONF;

/// `OFPET_EXPERIMENTER`.
pub(super) const EXPERIMENTER: u16 = 0xffff;

macro_rules! codes {
    ($(
        $(#[$doc:meta])*
        $type:ident = $type_number:literal $type_name:literal {
            $($(#[$code_doc:meta])* $code:ident = $number:literal $name:literal,)*
        }
    )*) => {
        /// What is wrong, in the words of OpenFlow 1.3.5 §7.4.4.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $type($type),)*
        }

        impl ErrorCode {
            /// Every error there is.
            pub fn all() -> impl Iterator<Item = ErrorCode> {
                let all: &[&[ErrorCode]] = &[$(&[$(ErrorCode::$type($type::$code)),*]),*];
                all.iter().flat_map(|codes| codes.iter().copied())
            }

            /// The type and the code. An experimenter's error has the type 0xffff and [`ErrorCode::experimenter`].
            pub const fn numbers(self) -> (u16, u16) {
                match self {
                    $(ErrorCode::$type(code) => ($type_number, code.number()),)*
                }
            }

            /// The error of these numbers, if it has a name and is no experimenter's.
            pub const fn from_numbers(kind: u16, code: u16) -> Option<ErrorCode> {
                if kind == EXPERIMENTER {
                    return None;
                }
                match kind {
                    $($type_number => match $type::from_number(code) {
                        Some(code) => Some(ErrorCode::$type(code)),
                        None => None,
                    },)*
                    _ => None,
                }
            }

            /// The type's name in the specification.
            pub const fn type_name(self) -> &'static str {
                match self {
                    $(ErrorCode::$type(_) => $type_name,)*
                }
            }

            /// The code's name in the specification.
            pub const fn name(self) -> &'static str {
                match self {
                    $(ErrorCode::$type(code) => code.name(),)*
                }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub enum $type {
                $($(#[$code_doc])* $code,)*
            }

            impl $type {
                /// The code's number.
                pub const fn number(self) -> u16 {
                    match self {
                        $($type::$code => $number,)*
                    }
                }

                /// The code of this number.
                pub const fn from_number(number: u16) -> Option<$type> {
                    match number {
                        $($number => Some($type::$code),)*
                        _ => None,
                    }
                }

                /// The code's name in the specification.
                pub const fn name(self) -> &'static str {
                    match self {
                        $($type::$code => $name,)*
                    }
                }
            }

            impl From<$type> for ErrorCode {
                fn from(code: $type) -> ErrorCode {
                    ErrorCode::$type(code)
                }
            }
        )*
    };
}

impl ErrorCode {
    /// Whose error it is, if the specification itself has none for it.
    pub const fn experimenter(self) -> Option<u32> {
        match self {
            ErrorCode::Onf(_) => Some(ONF),
            _ => None,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

codes! {
    /// `OFPET_HELLO_FAILED`: the hello protocol failed.
    HelloFailed = 0 "OFPET_HELLO_FAILED" {
        /// No version is common.
        Incompatible = 0 "OFPHFC_INCOMPATIBLE",
        /// Permissions.
        Eperm = 1 "OFPHFC_EPERM",
    }

    /// `OFPET_BAD_REQUEST`: the request was not understood.
    BadRequest = 1 "OFPET_BAD_REQUEST" {
        /// The header's version is not supported.
        BadVersion = 0 "OFPBRC_BAD_VERSION",
        /// The header's type is not supported.
        BadType = 1 "OFPBRC_BAD_TYPE",
        /// The multipart request's type is not supported.
        BadMultipart = 2 "OFPBRC_BAD_MULTIPART",
        /// The experimenter is unknown.
        BadExperimenter = 3 "OFPBRC_BAD_EXPERIMENTER",
        /// The experimenter's type is unknown.
        BadExpType = 4 "OFPBRC_BAD_EXP_TYPE",
        /// Permissions.
        Eperm = 5 "OFPBRC_EPERM",
        /// The length is wrong for the type.
        BadLen = 6 "OFPBRC_BAD_LEN",
        /// The buffer was used already.
        BufferEmpty = 7 "OFPBRC_BUFFER_EMPTY",
        /// There is no such buffer.
        BufferUnknown = 8 "OFPBRC_BUFFER_UNKNOWN",
        /// The table's number is invalid or there is no such table.
        BadTableId = 9 "OFPBRC_BAD_TABLE_ID",
        /// The controller is a slave.
        IsSlave = 10 "OFPBRC_IS_SLAVE",
        /// The port is invalid or missing.
        BadPort = 11 "OFPBRC_BAD_PORT",
        /// The packet of a packet-out is invalid.
        BadPacket = 12 "OFPBRC_BAD_PACKET",
        /// A multipart request is longer than its buffer.
        MultipartBufferOverflow = 13 "OFPBRC_MULTIPART_BUFFER_OVERFLOW",
    }

    /// `OFPET_BAD_ACTION`: something is wrong with an action.
    BadAction = 2 "OFPET_BAD_ACTION" {
        /// The type is unknown or not supported.
        BadType = 0 "OFPBAC_BAD_TYPE",
        /// A length is wrong.
        BadLen = 1 "OFPBAC_BAD_LEN",
        /// The experimenter is unknown.
        BadExperimenter = 2 "OFPBAC_BAD_EXPERIMENTER",
        /// The experimenter's action is unknown.
        BadExpType = 3 "OFPBAC_BAD_EXP_TYPE",
        /// The port cannot be output to.
        BadOutPort = 4 "OFPBAC_BAD_OUT_PORT",
        /// An argument is wrong.
        BadArgument = 5 "OFPBAC_BAD_ARGUMENT",
        /// Permissions.
        Eperm = 6 "OFPBAC_EPERM",
        /// So many actions cannot be handled.
        TooMany = 7 "OFPBAC_TOO_MANY",
        /// The queue is wrong.
        BadQueue = 8 "OFPBAC_BAD_QUEUE",
        /// The group's number is invalid in a forward action.
        BadOutGroup = 9 "OFPBAC_BAD_OUT_GROUP",
        /// The action cannot apply to this match, or a set-field lacks its prerequisite.
        MatchInconsistent = 10 "OFPBAC_MATCH_INCONSISTENT",
        /// The order is not supported in an apply-actions instruction.
        UnsupportedOrder = 11 "OFPBAC_UNSUPPORTED_ORDER",
        /// The tag or encapsulation is not supported.
        BadTag = 12 "OFPBAC_BAD_TAG",
        /// A set-field's type is not supported.
        BadSetType = 13 "OFPBAC_BAD_SET_TYPE",
        /// A set-field's length is wrong.
        BadSetLen = 14 "OFPBAC_BAD_SET_LEN",
        /// A set-field's argument is wrong.
        BadSetArgument = 15 "OFPBAC_BAD_SET_ARGUMENT",
    }

    /// `OFPET_BAD_INSTRUCTION`: something is wrong with an instruction.
    BadInstruction = 3 "OFPET_BAD_INSTRUCTION" {
        /// The instruction is unknown.
        UnknownInst = 0 "OFPBIC_UNKNOWN_INST",
        /// The switch or table does not support it.
        UnsupInst = 1 "OFPBIC_UNSUP_INST",
        /// The table's number is invalid.
        BadTableId = 2 "OFPBIC_BAD_TABLE_ID",
        /// The metadata's value is not supported.
        UnsupMetadata = 3 "OFPBIC_UNSUP_METADATA",
        /// The metadata's mask is not supported.
        UnsupMetadataMask = 4 "OFPBIC_UNSUP_METADATA_MASK",
        /// The experimenter is unknown.
        BadExperimenter = 5 "OFPBIC_BAD_EXPERIMENTER",
        /// The experimenter's instruction is unknown.
        BadExpType = 6 "OFPBIC_BAD_EXP_TYPE",
        /// A length is wrong.
        BadLen = 7 "OFPBIC_BAD_LEN",
        /// Permissions.
        Eperm = 8 "OFPBIC_EPERM",
    }

    /// `OFPET_BAD_MATCH`: something is wrong with a match.
    BadMatch = 4 "OFPET_BAD_MATCH" {
        /// The match's type is not supported.
        BadType = 0 "OFPBMC_BAD_TYPE",
        /// A length is wrong.
        BadLen = 1 "OFPBMC_BAD_LEN",
        /// The tag or encapsulation is not supported.
        BadTag = 2 "OFPBMC_BAD_TAG",
        /// The mask of a datalink address is not supported.
        BadDlAddrMask = 3 "OFPBMC_BAD_DL_ADDR_MASK",
        /// The mask of a network address is not supported.
        BadNwAddrMask = 4 "OFPBMC_BAD_NW_ADDR_MASK",
        /// The combination of fields masked or left out is not supported.
        BadWildcards = 5 "OFPBMC_BAD_WILDCARDS",
        /// The field is not supported.
        BadField = 6 "OFPBMC_BAD_FIELD",
        /// The value is not supported.
        BadValue = 7 "OFPBMC_BAD_VALUE",
        /// The mask is not supported.
        BadMask = 8 "OFPBMC_BAD_MASK",
        /// A prerequisite is not met.
        BadPrereq = 9 "OFPBMC_BAD_PREREQ",
        /// A field is given twice.
        DupField = 10 "OFPBMC_DUP_FIELD",
        /// Permissions.
        Eperm = 11 "OFPBMC_EPERM",
    }

    /// `OFPET_FLOW_MOD_FAILED`: a flow entry was not changed.
    FlowModFailed = 5 "OFPET_FLOW_MOD_FAILED" {
        /// Unspecified.
        Unknown = 0 "OFPFMFC_UNKNOWN",
        /// The table is full.
        TableFull = 1 "OFPFMFC_TABLE_FULL",
        /// There is no such table.
        BadTableId = 2 "OFPFMFC_BAD_TABLE_ID",
        /// The flow overlaps another and asked to be refused then.
        Overlap = 3 "OFPFMFC_OVERLAP",
        /// Permissions.
        Eperm = 4 "OFPFMFC_EPERM",
        /// The timeouts are not supported.
        BadTimeout = 5 "OFPFMFC_BAD_TIMEOUT",
        /// The command is unknown.
        BadCommand = 6 "OFPFMFC_BAD_COMMAND",
        /// A flag is unknown.
        BadFlags = 7 "OFPFMFC_BAD_FLAGS",
    }

    /// `OFPET_GROUP_MOD_FAILED`: a group entry was not changed.
    GroupModFailed = 6 "OFPET_GROUP_MOD_FAILED" {
        /// A group to be added is there already.
        GroupExists = 0 "OFPGMFC_GROUP_EXISTS",
        /// The group is invalid.
        InvalidGroup = 1 "OFPGMFC_INVALID_GROUP",
        /// Unequal weights are not supported.
        WeightUnsupported = 2 "OFPGMFC_WEIGHT_UNSUPPORTED",
        /// The group table is full.
        OutOfGroups = 3 "OFPGMFC_OUT_OF_GROUPS",
        /// The group has too many buckets.
        OutOfBuckets = 4 "OFPGMFC_OUT_OF_BUCKETS",
        /// Groups that forward to groups are not supported.
        ChainingUnsupported = 5 "OFPGMFC_CHAINING_UNSUPPORTED",
        /// This group cannot watch the port or group.
        WatchUnsupported = 6 "OFPGMFC_WATCH_UNSUPPORTED",
        /// The group would forward to itself.
        Loop = 7 "OFPGMFC_LOOP",
        /// A group to be modified is missing.
        UnknownGroup = 8 "OFPGMFC_UNKNOWN_GROUP",
        /// Another group forwards to the one to be deleted.
        ChainedGroup = 9 "OFPGMFC_CHAINED_GROUP",
        /// The group's type is unknown or not supported.
        BadType = 10 "OFPGMFC_BAD_TYPE",
        /// The command is unknown.
        BadCommand = 11 "OFPGMFC_BAD_COMMAND",
        /// Something is wrong with a bucket.
        BadBucket = 12 "OFPGMFC_BAD_BUCKET",
        /// Something is wrong with the watched port or group.
        BadWatch = 13 "OFPGMFC_BAD_WATCH",
        /// Permissions.
        Eperm = 14 "OFPGMFC_EPERM",
    }

    /// `OFPET_PORT_MOD_FAILED`: a port was not changed.
    PortModFailed = 7 "OFPET_PORT_MOD_FAILED" {
        /// There is no such port.
        BadPort = 0 "OFPPMFC_BAD_PORT",
        /// The hardware address is not the port's.
        BadHwAddr = 1 "OFPPMFC_BAD_HW_ADDR",
        /// The configuration is invalid.
        BadConfig = 2 "OFPPMFC_BAD_CONFIG",
        /// What is to be advertised is invalid.
        BadAdvertise = 3 "OFPPMFC_BAD_ADVERTISE",
        /// Permissions.
        Eperm = 4 "OFPPMFC_EPERM",
    }

    /// `OFPET_TABLE_MOD_FAILED`: a table was not changed.
    TableModFailed = 8 "OFPET_TABLE_MOD_FAILED" {
        /// There is no such table.
        BadTable = 0 "OFPTMFC_BAD_TABLE",
        /// The configuration is invalid.
        BadConfig = 1 "OFPTMFC_BAD_CONFIG",
        /// Permissions.
        Eperm = 2 "OFPTMFC_EPERM",
    }

    /// `OFPET_QUEUE_OP_FAILED`: something is wrong with a queue.
    QueueOpFailed = 9 "OFPET_QUEUE_OP_FAILED" {
        /// The port is invalid or missing.
        BadPort = 0 "OFPQOFC_BAD_PORT",
        /// There is no such queue.
        BadQueue = 1 "OFPQOFC_BAD_QUEUE",
        /// Permissions.
        Eperm = 2 "OFPQOFC_EPERM",
    }

    /// `OFPET_SWITCH_CONFIG_FAILED`: the configuration was not changed.
    SwitchConfigFailed = 10 "OFPET_SWITCH_CONFIG_FAILED" {
        /// The flags are invalid.
        BadFlags = 0 "OFPSCFC_BAD_FLAGS",
        /// The length is invalid.
        BadLen = 1 "OFPSCFC_BAD_LEN",
        /// Permissions.
        Eperm = 2 "OFPSCFC_EPERM",
    }

    /// `OFPET_ROLE_REQUEST_FAILED`: the role was not changed.
    RoleRequestFailed = 11 "OFPET_ROLE_REQUEST_FAILED" {
        /// The generation id is old.
        Stale = 0 "OFPRRFC_STALE",
        /// Changing roles is not supported.
        Unsup = 1 "OFPRRFC_UNSUP",
        /// There is no such role.
        BadRole = 2 "OFPRRFC_BAD_ROLE",
    }

    /// `OFPET_METER_MOD_FAILED`: a meter was not changed.
    MeterModFailed = 12 "OFPET_METER_MOD_FAILED" {
        /// Unspecified.
        Unknown = 0 "OFPMMFC_UNKNOWN",
        /// A meter to be added is there already.
        MeterExists = 1 "OFPMMFC_METER_EXISTS",
        /// The meter is invalid.
        InvalidMeter = 2 "OFPMMFC_INVALID_METER",
        /// A meter to be modified is missing, or an instruction names a missing one.
        UnknownMeter = 3 "OFPMMFC_UNKNOWN_METER",
        /// The command is unknown.
        BadCommand = 4 "OFPMMFC_BAD_COMMAND",
        /// The flags are not supported.
        BadFlags = 5 "OFPMMFC_BAD_FLAGS",
        /// The rate is not supported.
        BadRate = 6 "OFPMMFC_BAD_RATE",
        /// The burst size is not supported.
        BadBurst = 7 "OFPMMFC_BAD_BURST",
        /// The band is not supported.
        BadBand = 8 "OFPMMFC_BAD_BAND",
        /// The band's value is not supported.
        BadBandValue = 9 "OFPMMFC_BAD_BAND_VALUE",
        /// No more meters are available.
        OutOfMeters = 10 "OFPMMFC_OUT_OF_METERS",
        /// The meter has too many bands.
        OutOfBands = 11 "OFPMMFC_OUT_OF_BANDS",
    }

    /// `OFPET_TABLE_FEATURES_FAILED`: the tables' features were not set.
    TableFeaturesFailed = 13 "OFPET_TABLE_FEATURES_FAILED" {
        /// There is no such table.
        BadTable = 0 "OFPTFFC_BAD_TABLE",
        /// The metadata mask is invalid.
        BadMetadata = 1 "OFPTFFC_BAD_METADATA",
        /// A property's type is unknown.
        BadType = 2 "OFPTFFC_BAD_TYPE",
        /// A property's length is wrong.
        BadLen = 3 "OFPTFFC_BAD_LEN",
        /// A property's value is not supported.
        BadArgument = 4 "OFPTFFC_BAD_ARGUMENT",
        /// Permissions.
        Eperm = 5 "OFPTFFC_EPERM",
    }

    /// `OFPET_EXPERIMENTER` of the ONF: what its extensions to OpenFlow 1.3 add (EXT-230 bundles, EXT-260 duplicate
    /// instructions), as later versions have it of their own.
    Onf = 0xffff "OFPET_EXPERIMENTER" {
        /// Unspecified failure of a bundle.
        BundleUnknown = 2300 "OFPBFC_UNKNOWN",
        /// Permissions.
        BundleEperm = 2301 "OFPBFC_EPERM",
        /// There is no such bundle.
        BundleBadId = 2302 "OFPBFC_BAD_ID",
        /// The bundle is there already.
        BundleExists = 2303 "OFPBFC_BUNDLE_EXIST",
        /// The bundle is closed.
        BundleClosed = 2304 "OFPBFC_BUNDLE_CLOSED",
        /// There are too many bundles.
        OutOfBundles = 2305 "OFPBFC_OUT_OF_BUNDLES",
        /// The bundle control's type is unknown.
        BundleBadType = 2306 "OFPBFC_BAD_TYPE",
        /// The flags are unknown or inconsistent.
        BundleBadFlags = 2307 "OFPBFC_BAD_FLAGS",
        /// The length of the message in the bundle is wrong.
        MessageBadLen = 2308 "OFPBFC_MSG_BAD_LEN",
        /// The message in the bundle has another transaction id.
        MessageBadXid = 2309 "OFPBFC_MSG_BAD_XID",
        /// The message does not belong into a bundle.
        MessageUnsupported = 2310 "OFPBFC_MSG_UNSUP",
        /// The messages do not go together.
        MessageConflict = 2311 "OFPBFC_MSG_CONFLICT",
        /// The bundle holds too many messages.
        TooManyMessages = 2312 "OFPBFC_MSG_TOO_MANY",
        /// A message of the bundle failed.
        MessageFailed = 2313 "OFPBFC_MSG_FAILED",
        /// The bundle takes too long.
        BundleTimeout = 2314 "OFPBFC_TIMEOUT",
        /// A bundle locks the resource.
        BundleInProgress = 2315 "OFPBFC_BUNDLE_IN_PROGRESS",
        /// An instruction is given twice.
        DuplicateInstruction = 2600 "OFPBIC_DUP_INST",
    }
}
