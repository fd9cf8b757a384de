//! Archives as an attacker writes them: any bytes in any field, with a right check sum.

/// An archive in the making.
#[derive(Default)]
pub(crate) struct Forge(Vec<u8>);

/// One header block.
pub(crate) struct Block(pub(crate) [u8; 512]);

impl Block {
    pub(crate) fn new(name: &str, flag: u8) -> Self {
        let mut block = Self([0; 512]);
        block.put(0, name.as_bytes());
        block.put(100, b"0000755\0");
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        block.put(108, format!("{uid:07o}\0").as_bytes());
        block.put(116, format!("{gid:07o}\0").as_bytes());
        block.put(124, b"00000000000\0");
        block.put(136, b"00000000000\0");
        block.0[156] = flag;
        block.put(257, b"ustar\x0000");
        block
    }

    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn size(mut self, size: u64) -> Self {
        self.put(124, format!("{size:011o}\0").as_bytes());
        self
    }

    pub(crate) fn mode(mut self, mode: &str) -> Self {
        self.put(100, mode.as_bytes());
        self
    }

    pub(crate) fn link(mut self, target: &str) -> Self {
        self.put(157, target.as_bytes());
        self
    }

    pub(crate) fn gnu(mut self) -> Self {
        self.put(257, b"ustar  \0");
        self
    }

    fn sealed(mut self) -> [u8; 512] {
        self.put(148, b"        ");
        let sum: u32 = self.0.iter().map(|byte| u32::from(*byte)).sum();
        self.put(148, format!("{sum:06o}\0").as_bytes());
        self.0
    }
}

impl Forge {
    pub(crate) fn block(mut self, block: Block) -> Self {
        self.0.extend_from_slice(&block.sealed());
        self
    }

    /// Bytes, padded to a block.
    pub(crate) fn content(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn file(self, name: &str, content: &[u8]) -> Self {
        self.block(Block::new(name, b'0').size(content.len() as u64)).content(content)
    }

    pub(crate) fn directory(self, name: &str) -> Self {
        self.block(Block::new(name, b'5'))
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.block(Block::new(name, b'2').link(target))
    }

    pub(crate) fn hard_link(self, name: &str, target: &str) -> Self {
        self.block(Block::new(name, b'1').link(target))
    }

    pub(crate) fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let content = pax_records(records);
        self.block(Block::new("pax", b'x').size(content.len() as u64)).content(&content)
    }

    pub(crate) fn long(self, flag: u8, name: &[u8]) -> Self {
        let name = [name, b"\0"].concat();
        self.block(Block::new("././@LongLink", flag).gnu().size(name.len() as u64)).content(&name)
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }

    pub(crate) fn without_end(self) -> Vec<u8> {
        self.0
    }
}

pub(crate) fn pax_records(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut content = Vec::new();
    for (key, value) in records {
        let body = key.len() + value.len() + 3;
        let length = (body..).find(|length| length.to_string().len() + body == *length).unwrap();
        content.extend_from_slice(format!("{length} {key}=").as_bytes());
        content.extend_from_slice(value);
        content.push(b'\n');
    }
    content
}
