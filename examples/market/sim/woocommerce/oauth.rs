//! Signatures of OAuth 1.0a, reckoned anew from what arrived (2.4), and the two small things that they need. Nothing of
//! the program under test is used, so that both sides cannot be wrong in the same way.

use sha2::{Digest, Sha256};

/// Signs a base string as one of the two methods does; `None` for any other method.
pub(super) fn signature(method: &str, base: &str, secret: &str) -> Option<String> {
    // One-legged: there is no token after the ampersand.
    let key = format!("{secret}&");
    match method {
        "HMAC-SHA1" => Some(base64(&hmac(|bytes| sha1(bytes).to_vec(), key.as_bytes(), base.as_bytes()))),
        "HMAC-SHA256" => Some(base64(&hmac(|bytes| Sha256::digest(bytes).to_vec(), key.as_bytes(), base.as_bytes()))),
        _ => None,
    }
}

/// Makes the text that is signed: method, address and sorted parameters, each encoded, and encoded once more together.
pub(super) fn base_string(method: &str, address: &str, params: &[(String, String)]) -> String {
    let mut pairs: Vec<_> = params.iter().map(|(name, value)| (encoded(name), encoded(value))).collect();
    pairs.sort();
    let query: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{method}&{}&{}", encoded(address), encoded(&query.join("&")))
}

/// Encodes a text as RFC 3986 wants it.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Decodes what was encoded; a plus stays one.
pub(super) fn decoded(text: &str) -> String {
    let escaped = text.replace('+', "%2B");
    url::form_urlencoded::parse(escaped.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

fn hmac(hash: impl Fn(&[u8]) -> Vec<u8>, key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = if key.len() > 64 { hash(key) } else { key.to_vec() };
    block.resize(64, 0);
    let pad = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<_>>();
    let inner = hash(&[pad(0x36).as_slice(), text].concat());
    hash(&[pad(0x5c), inner].concat())
}

#[expect(clippy::many_single_char_names, reason = "they are the letters of the standard")]
fn sha1(text: &[u8]) -> [u8; 20] {
    let mut state: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];
    let mut bytes = text.to_vec();
    bytes.push(0x80);
    while bytes.len() % 64 != 56 {
        bytes.push(0);
    }
    bytes.extend((text.len() as u64 * 8).to_be_bytes());
    for block in bytes.chunks_exact(64) {
        let mut words: Vec<u32> =
            block.chunks_exact(4).map(|four| four.iter().fold(0, |word, byte| word << 8 | u32::from(*byte))).collect();
        for at in 16..80 {
            words.push((words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (at, word) in words.iter().enumerate() {
            let (mix, constant) = match at / 20 {
                0 => ((b & c) | (!b & d), 0x5A82_7999),
                1 => (b ^ c ^ d, 0x6ED9_EBA1),
                2 => ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC),
                _ => (b ^ c ^ d, 0xCA62_C1D6_u32),
            };
            let next = a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (old, new) in state.iter_mut().zip([a, b, c, d, e]) {
            *old = old.wrapping_add(new);
        }
    }
    let mut digest = [0; 20];
    for (four, word) in digest.chunks_exact_mut(4).zip(state) {
        four.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes bytes in base 64.
pub(super) fn base64(bytes: &[u8]) -> String {
    let three = |part: &[u8]| {
        let bits = part.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - part.len()));
        (0..4)
            .map(|at| if at > part.len() { '=' } else { char::from(ALPHABET[bits >> (18 - 6 * at) & 63]) })
            .collect::<String>()
    };
    bytes.chunks(3).map(three).collect()
}

/// Reads bytes in base 64; `None` where it is none.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.trim_end_matches('=').bytes() {
        let six = ALPHABET.iter().position(|known| *known == letter)?;
        bits = bits << 6 | u32::try_from(six).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xFF).ok()?);
        }
    }
    Some(bytes)
}
