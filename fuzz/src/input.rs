//! Small readers for targets whose input is more than one value.

/// The rest of an input. Whatever is missing reads as zero, so that every input means something.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    pub(crate) fn number(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// So many bytes, or as many as there are.
    pub(crate) fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A length of two bytes, then so many bytes.
    pub(crate) fn block(&mut self) -> &'a [u8] {
        let length = self.number();
        self.bytes(length.into())
    }
}

/// Appends what [`Input::block`] reads.
pub(crate) fn block(input: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).expect("blocks are short");
    input.extend_from_slice(&length.to_le_bytes());
    input.extend_from_slice(bytes);
}
