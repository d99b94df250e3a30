//! Authenticated encryption of the content (RFC 7518 §5).

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

/// What is to be opened.
pub(super) struct Sealed<'a> {
    /// The header as it came, which is authenticated too.
    pub header: &'a [u8],
    pub iv: &'a [u8],
    pub ciphertext: &'a [u8],
    pub tag: &'a [u8],
}

/// AES in Galois/counter mode: a nonce of 96 bits, a tag of 128 (RFC 7518 §5.3).
pub(super) fn gcm(key: &[u8], sealed: &Sealed<'_>) -> Option<Zeroizing<Vec<u8>>> {
    if sealed.iv.len() != 12 || sealed.tag.len() != 16 {
        return None;
    }
    match key.len() {
        16 => gcm_with::<Aes128Gcm>(key, sealed),
        24 => gcm_with::<AesGcm<Aes192, U12>>(key, sealed),
        32 => gcm_with::<Aes256Gcm>(key, sealed),
        _ => None,
    }
}

fn gcm_with<A: Aead + KeyInit>(key: &[u8], sealed: &Sealed<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = A::new_from_slice(key).ok()?;
    let message = [sealed.ciphertext, sealed.tag].concat();
    let nonce = sealed.iv.try_into().ok()?;
    cipher.decrypt(nonce, Payload { msg: &message, aad: sealed.header }).ok().map(Zeroizing::new)
}

/// AES in CBC mode, and a half of an HMAC over it (RFC 7518 §5.2.2.2): the first half of `key` authenticates, the second
/// encrypts.
pub(super) fn cbc_hmac(key: &[u8], sealed: &Sealed<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let (mac_key, key) = key.split_at(key.len() / 2);
    if sealed.iv.len() != 16 || sealed.tag.len() != mac_key.len() {
        return None;
    }
    // Before anything is decrypted: the padding must not answer questions.
    match mac_key.len() {
        16 => authentic::<Hmac<Sha256>>(mac_key, sealed)?,
        24 => authentic::<Hmac<Sha384>>(mac_key, sealed)?,
        32 => authentic::<Hmac<Sha512>>(mac_key, sealed)?,
        _ => return None,
    }
    match key.len() {
        16 => cbc_with::<Decryptor<Aes128>>(key, sealed),
        24 => cbc_with::<Decryptor<Aes192>>(key, sealed),
        32 => cbc_with::<Decryptor<Aes256>>(key, sealed),
        _ => None,
    }
}

fn authentic<M: Mac + hmac::KeyInit>(key: &[u8], sealed: &Sealed<'_>) -> Option<()> {
    let mut mac = <M as hmac::KeyInit>::new_from_slice(key).ok()?;
    let bits = u64::try_from(sealed.header.len()).ok()?.checked_mul(8)?;
    for part in [sealed.header, sealed.iv, sealed.ciphertext, &bits.to_be_bytes()] {
        mac.update(part);
    }
    mac.verify_truncated_left(sealed.tag).ok()
}

fn cbc_with<D: BlockModeDecrypt + KeyIvInit>(key: &[u8], sealed: &Sealed<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(sealed.ciphertext.to_vec());
    let cipher = D::new_from_slices(key, sealed.iv).ok()?;
    let length = cipher.decrypt_padded::<Pkcs7>(&mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

/// Ciphertext and tag of `content`: with a nonce of 96 bits in Galois/counter mode, with 128 in CBC mode with an HMAC.
pub(super) fn seal(key: &[u8], header: &[u8], iv: &[u8], content: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    match (iv.len(), key.len()) {
        (12, 16) => gcm_seal::<Aes128Gcm>(key, header, iv, content),
        (12, 24) => gcm_seal::<AesGcm<Aes192, U12>>(key, header, iv, content),
        (12, 32) => gcm_seal::<Aes256Gcm>(key, header, iv, content),
        (16, _) => cbc_hmac_seal(key, header, iv, content),
        _ => None,
    }
}

fn gcm_seal<A: Aead + KeyInit>(key: &[u8], header: &[u8], iv: &[u8], content: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let cipher = A::new_from_slice(key).ok()?;
    let mut sealed = cipher.encrypt(iv.try_into().ok()?, Payload { msg: content, aad: header }).ok()?;
    let tag = sealed.split_off(sealed.len().checked_sub(16)?);
    Some((sealed, tag))
}

fn cbc_hmac_seal(key: &[u8], header: &[u8], iv: &[u8], content: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mac_key, key) = key.split_at(key.len() / 2);
    let ciphertext = match key.len() {
        16 => cbc_seal::<Encryptor<Aes128>>(key, iv, content)?,
        24 => cbc_seal::<Encryptor<Aes192>>(key, iv, content)?,
        32 => cbc_seal::<Encryptor<Aes256>>(key, iv, content)?,
        _ => return None,
    };
    let parts = [header, iv, &ciphertext];
    let mut tag = match mac_key.len() {
        16 => mac::<Hmac<Sha256>>(mac_key, parts)?,
        24 => mac::<Hmac<Sha384>>(mac_key, parts)?,
        _ => mac::<Hmac<Sha512>>(mac_key, parts)?,
    };
    tag.truncate(mac_key.len());
    Some((ciphertext, tag))
}

fn mac<M: Mac + hmac::KeyInit>(key: &[u8], [header, iv, ciphertext]: [&[u8]; 3]) -> Option<Vec<u8>> {
    let mut mac = <M as hmac::KeyInit>::new_from_slice(key).ok()?;
    let bits = u64::try_from(header.len()).ok()?.checked_mul(8)?;
    for part in [header, iv, ciphertext, &bits.to_be_bytes()] {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().to_vec())
}

fn cbc_seal<E: BlockModeEncrypt + KeyIvInit>(key: &[u8], iv: &[u8], content: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = content.to_vec();
    // Padding fills the last block, and takes one of its own where that is full.
    bytes.resize((content.len() / 16 + 1) * 16, 0);
    E::new_from_slices(key, iv).ok()?.encrypt_padded::<Pkcs7>(&mut bytes, content.len()).ok()?;
    Some(bytes)
}
