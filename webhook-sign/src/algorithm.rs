/// How a signature is made. The key decides, and never the request alone: a signature is only ever compared with what
/// a key of its kind gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-1, 20 bytes. Only where a provider has nothing better.
    HmacSha1,
    /// HMAC with SHA-256, 32 bytes.
    HmacSha256,
    /// HMAC with SHA-512, 64 bytes.
    HmacSha512,
    /// Ed25519, 64 bytes. Checked only with the feature `ed25519`.
    Ed25519,
}

impl Algorithm {
    /// The length of a signature, in bytes.
    #[inline]
    pub const fn signature_len(self) -> usize {
        match self {
            Self::HmacSha1 => 20,
            Self::HmacSha256 => 32,
            Self::HmacSha512 | Self::Ed25519 => 64,
        }
    }

    /// Is it checked with the secret that it was made with?
    pub const fn is_hmac(self) -> bool {
        !matches!(self, Self::Ed25519)
    }
}
