//! Names for containers that were given none: an adjective and somebody from the history of computing.

use ids::ContainerName;
use rustix::rand::{GetRandomFlags, getrandom};

const ADJECTIVES: [&str; 48] = [
    "agile", "amber", "bold", "brave", "bright", "calm", "candid", "clever", "cosmic", "crisp", "daring",
    "eager", "early", "fancy", "fluent", "fond", "frosty", "gentle", "glad", "golden", "happy", "honest",
    "humble", "jolly", "keen", "kind", "lively", "lucid", "lucky", "merry", "mighty", "modest", "neat",
    "nimble", "noble", "patient", "proud", "quick", "quiet", "rapid", "sharp", "silver", "steady", "sunny",
    "swift", "tidy", "vivid", "wise",
];

const PEOPLE: [&str; 48] = [
    "allen",
    "babbage",
    "backus",
    "bartik",
    "boole",
    "brooks",
    "cerf",
    "church",
    "codd",
    "cray",
    "curry",
    "dijkstra",
    "easley",
    "engelbart",
    "estrin",
    "floyd",
    "godel",
    "goldberg",
    "hamilton",
    "hamming",
    "hoare",
    "holberton",
    "hopper",
    "huffman",
    "iverson",
    "johnson",
    "kay",
    "kernighan",
    "knuth",
    "lamarr",
    "lamport",
    "liskov",
    "lovelace",
    "mccarthy",
    "milner",
    "minsky",
    "naur",
    "neumann",
    "noether",
    "perlman",
    "postel",
    "ritchie",
    "shannon",
    "sinclair",
    "thompson",
    "turing",
    "wilkes",
    "wirth",
];

/// A random name; after `attempt` collisions with a number at its end, so that a crowded host finds one too.
pub(super) fn random(attempt: u32) -> ContainerName {
    let mut bytes = [0u8; 6];
    // Without flags only EINTR can fail; zeroes would be a valid choice too.
    let _ = getrandom(&mut bytes, GetRandomFlags::empty());
    let pick = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let mut text = format!("{}_{}", ADJECTIVES[pick(0) % ADJECTIVES.len()], PEOPLE[pick(2) % PEOPLE.len()]);
    if attempt > 0 {
        text = format!("{text}{}", pick(4));
    }
    ContainerName::parse(&text).expect("both words and the number are of the allowed letters")
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_name_is_valid() {
        for attempt in 0..200 {
            let name = super::random(attempt % 2);
            assert!(name.as_str().contains('_'), "{name}");
        }
    }
}
