//! The steps of a rule.

use crate::netlink::Message;

const NFTA_LIST_ELEM: u16 = 1;
const NFTA_EXPR_NAME: u16 = 1;
const NFTA_EXPR_DATA: u16 = 2;

/// One of the 16 registers of 4 bytes (`NFT_REG32_00` and so on); longer values take the ones that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register(u32);

impl Register {
    /// The verdict register (`NFT_REG_VERDICT`).
    const VERDICT: Self = Self(0);

    /// The register number `word`, 0 to 15.
    #[must_use]
    pub const fn word(word: u8) -> Self {
        Self(8 + word as u32)
    }
}

/// What the packet is known by besides its bytes (`NFT_META_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meta {
    /// The interface it came in by: 16 bytes.
    InterfaceIn,
    /// The interface it goes out by: 16 bytes.
    InterfaceOut,
    /// The transport protocol: 1 byte.
    TransportProtocol,
}

/// Where a payload offset counts from (`NFT_PAYLOAD_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// The IP header.
    Network,
    /// The TCP or UDP header.
    Transport,
}

/// What is known of the packet's connection (`NFT_CT_*`): 4 bytes in the machine's byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conntrack {
    /// Its state as a bit.
    State,
    /// Its status bits.
    Status,
}

impl Conntrack {
    /// `NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED)`
    pub const ESTABLISHED_OR_RELATED: u32 = 0b110;
    /// `IPS_DST_NAT`: its destination was translated.
    pub const DESTINATION_TRANSLATED: u32 = 1 << 5;
}

/// Where a packet goes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Leaves this chain's table; later chains of the hook still see it.
    Accept,
    /// Ends here.
    Drop,
    /// Goes on in that chain and does not come back.
    Goto(&'a str),
}

/// One step of a rule. A step that does not match ends the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expression<'a> {
    /// Loads metadata.
    LoadMeta(Meta, Register),
    /// Loads `length` bytes at `offset` of a header.
    LoadPayload {
        /// Which header.
        header: Header,
        /// Bytes from its start.
        offset: u32,
        /// How many bytes.
        length: u32,
        /// Where to.
        register: Register,
    },
    /// Loads what is known of the connection.
    LoadConntrack(Conntrack, Register),
    /// Loads a constant.
    LoadValue(Register, &'a [u8]),
    /// Loads the type of the destination address (`RTN_*`; 4 bytes, machine's order) as routing sees it.
    LoadDestinationType(Register),
    /// Keeps the bits of a 4-byte value that `mask` has (machine's order).
    Mask(Register, u32),
    /// Goes on if the value is equal.
    Equal(Register, &'a [u8]),
    /// Goes on if the value differs.
    NotEqual(Register, &'a [u8]),
    /// Goes on if the value is in the set.
    InSet(&'a str, Register),
    /// Goes on if the value is not in the set.
    NotInSet(&'a str, Register),
    /// Goes on if the value is a key of the map, and loads its data.
    Map {
        /// The map.
        map: &'a str,
        /// The key.
        key: Register,
        /// Where the data goes.
        data: Register,
    },
    /// Translates the destination to an IPv4 address and, if given, a port (network byte order both).
    Dnat {
        /// The address.
        address: Register,
        /// The port.
        port: Option<Register>,
    },
    /// Translates the source to the address of the outgoing interface.
    Masquerade,
    /// Decides.
    Verdict(Verdict<'a>),
}

impl Expression<'_> {
    /// Adds the expression to a rule's list.
    pub(super) fn encode(self, list: &mut Message<'_>) {
        list.nest(NFTA_LIST_ELEM, |element| {
            element.text(NFTA_EXPR_NAME, self.name());
            element.nest(NFTA_EXPR_DATA, |data| self.encode_data(data));
        });
    }

    fn name(self) -> &'static str {
        match self {
            Self::LoadMeta(..) => "meta",
            Self::LoadPayload { .. } => "payload",
            Self::LoadConntrack(..) => "ct",
            Self::LoadDestinationType(_) => "fib",
            Self::Mask(..) => "bitwise",
            Self::Equal(..) | Self::NotEqual(..) => "cmp",
            Self::InSet(..) | Self::NotInSet(..) | Self::Map { .. } => "lookup",
            Self::Dnat { .. } => "nat",
            Self::Masquerade => "masq",
            Self::LoadValue(..) | Self::Verdict(_) => "immediate",
        }
    }

    fn encode_data(self, data: &mut Message<'_>) {
        match self {
            // NFTA_META_DREG, NFTA_META_KEY
            Self::LoadMeta(meta, register) => {
                let key = match meta {
                    Meta::InterfaceIn => 6,
                    Meta::InterfaceOut => 7,
                    Meta::TransportProtocol => 16,
                };
                data.u32_be(1, register.0).u32_be(2, key);
            }
            // NFTA_PAYLOAD_DREG, _BASE, _OFFSET, _LEN
            Self::LoadPayload { header, offset, length, register } => {
                let base = match header {
                    Header::Network => 1,
                    Header::Transport => 2,
                };
                data.u32_be(1, register.0).u32_be(2, base).u32_be(3, offset).u32_be(4, length);
            }
            // NFTA_CT_DREG, NFTA_CT_KEY
            Self::LoadConntrack(what, register) => {
                let key = match what {
                    Conntrack::State => 0,
                    Conntrack::Status => 2,
                };
                data.u32_be(1, register.0).u32_be(2, key);
            }
            // NFTA_IMMEDIATE_DREG, NFTA_IMMEDIATE_DATA
            Self::LoadValue(register, value) => {
                data.u32_be(1, register.0).nest(2, |value_of| {
                    value_of.bytes(super::NFTA_DATA_VALUE, value);
                });
            }
            // NFTA_FIB_DREG, NFTA_FIB_RESULT = NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_FLAGS = NFTA_FIB_F_DADDR
            Self::LoadDestinationType(register) => {
                data.u32_be(1, register.0).u32_be(2, 3).u32_be(3, 2);
            }
            Self::Mask(register, mask) => encode_mask(data, register, mask),
            Self::Equal(register, value) => encode_compare(data, register, 0, value),
            Self::NotEqual(register, value) => encode_compare(data, register, 1, value),
            // NFTA_LOOKUP_SET, _SREG, _DREG, _FLAGS = NFT_LOOKUP_F_INV
            Self::InSet(set, register) => {
                data.text(1, set).u32_be(2, register.0);
            }
            Self::NotInSet(set, register) => {
                data.text(1, set).u32_be(2, register.0).u32_be(5, 1);
            }
            Self::Map { map, key, data: into } => {
                data.text(1, map).u32_be(2, key.0).u32_be(3, into.0);
            }
            // NFTA_NAT_TYPE = NFT_NAT_DNAT, _FAMILY = NFPROTO_IPV4, _REG_ADDR_MIN, _REG_PROTO_MIN
            Self::Dnat { address, port } => {
                data.u32_be(1, 1).u32_be(2, 2).u32_be(3, address.0);
                if let Some(port) = port {
                    data.u32_be(5, port.0);
                }
            }
            Self::Masquerade => {}
            Self::Verdict(verdict) => encode_verdict(data, verdict),
        }
    }
}

/// NFTA_BITWISE_SREG, _DREG, _LEN, _MASK, _XOR
fn encode_mask(data: &mut Message<'_>, register: Register, mask: u32) {
    data.u32_be(1, register.0).u32_be(2, register.0).u32_be(3, 4);
    for (kind, value) in [(4, mask), (5, 0)] {
        data.nest(kind, |value_of| {
            value_of.bytes(super::NFTA_DATA_VALUE, &value.to_ne_bytes());
        });
    }
}

/// NFTA_CMP_SREG, _OP (NFT_CMP_EQ 0, NFT_CMP_NEQ 1), _DATA
fn encode_compare(data: &mut Message<'_>, register: Register, operation: u32, value: &[u8]) {
    data.u32_be(1, register.0).u32_be(2, operation).nest(3, |value_of| {
        value_of.bytes(super::NFTA_DATA_VALUE, value);
    });
}

/// NFTA_IMMEDIATE_DREG, NFTA_IMMEDIATE_DATA { NFTA_DATA_VERDICT { NFTA_VERDICT_CODE, NFTA_VERDICT_CHAIN } }
fn encode_verdict(data: &mut Message<'_>, verdict: Verdict<'_>) {
    // NF_DROP, NF_ACCEPT, NFT_GOTO
    let (code, chain) = match verdict {
        Verdict::Drop => (0, None),
        Verdict::Accept => (1, None),
        Verdict::Goto(chain) => (-4i32, Some(chain)),
    };
    data.u32_be(1, Register::VERDICT.0).nest(2, |value| {
        value.nest(2, |inside| {
            inside.bytes(1, &code.to_be_bytes());
            if let Some(chain) = chain {
                inside.text(2, chain);
            }
        });
    });
}
