//! Quantities of resources (`500m`, `1Gi`): reading, comparing, and the canonical form in which they print.
//!
//! Follows apimachinery's `api/resource` (Kubernetes 1.37): values are exact to a billionth; finer ones round up.

use std::fmt;

/// An exact amount with the family of suffixes it was written in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantity {
    /// Billionths.
    nano: i128,
    family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Decimal,
    Binary,
    Exponent,
}

const NANO: i128 = 1_000_000_000;
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

impl Quantity {
    /// Reads a quantity; nothing if it is malformed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let digits = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(digits);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let (family, ten, two) = Self::suffix(suffix)?;
        let mantissa: i128 = format!("0{whole}{fraction}").parse().ok()?;
        let scale = ten + 9 - i32::try_from(fraction.len()).ok()?;
        let scaled = mantissa.checked_mul(1_i128.checked_shl(two)?)?;
        let nano = match u32::try_from(scale.abs()).ok().and_then(|by| 10_i128.checked_pow(by)) {
            Some(factor) if scale >= 0 => scaled.checked_mul(factor)?,
            Some(factor) => scaled.div_euclid(factor) + i128::from(scaled.rem_euclid(factor) != 0),
            None if scale < 0 => i128::from(scaled != 0),
            None => return None,
        };
        Some(Self { nano: if negative { -nano } else { nano }, family })
    }

    fn suffix(suffix: &str) -> Option<(Family, i32, u32)> {
        if let Some((_, ten)) = DECIMAL.iter().find(|(text, _)| *text == suffix) {
            return Some((Family::Decimal, *ten, 0));
        }
        if let Some((_, two)) = BINARY.iter().find(|(text, _)| *text == suffix) {
            return Some((Family::Binary, 0, *two));
        }
        let exponent = suffix.strip_prefix(['e', 'E'])?;
        Some((Family::Exponent, exponent.parse().ok()?, 0))
    }

    /// Nothing at all.
    pub(crate) fn is_zero(self) -> bool {
        self.nano == 0
    }

    /// Less than nothing.
    pub(crate) fn is_negative(self) -> bool {
        self.nano < 0
    }

    /// Without a fraction.
    pub(crate) fn is_whole(self) -> bool {
        self.nano % NANO == 0
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.nano.partial_cmp(&other.nano)
    }
}

impl fmt::Display for Quantity {
    /// The canonical form: no fraction, the largest suffix that leaves none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nano == 0 {
            return f.write_str("0");
        }
        let whole = self.nano.div_euclid(NANO) + i128::from(self.nano.rem_euclid(NANO) != 0);
        if self.family == Family::Binary && whole.abs() >= 1024 {
            let fitting = BINARY.iter().rev().find(|(_, two)| whole % (1 << two) == 0);
            return match fitting {
                Some((suffix, two)) => write!(f, "{}{suffix}", whole >> two),
                None => write!(f, "{whole}"),
            };
        }
        let mut mantissa = self.nano;
        let mut exponent = -9;
        while mantissa % 1000 == 0 && exponent < 18 {
            mantissa /= 1000;
            exponent += 3;
        }
        if self.family == Family::Exponent {
            return if exponent == 0 { write!(f, "{mantissa}") } else { write!(f, "{mantissa}e{exponent}") };
        }
        let suffix = DECIMAL.iter().find(|(_, ten)| *ten == exponent).map_or("", |(suffix, _)| suffix);
        write!(f, "{mantissa}{suffix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, canonical: &str) {
        assert_eq!(Quantity::parse(text).map(|q| q.to_string()).as_deref(), Some(canonical), "{text}");
    }

    #[test]
    fn a_quantity_prints_in_its_canonical_form() {
        for (text, canonical) in [
            ("1", "1"),
            ("0.5", "500m"),
            ("2000m", "2"),
            ("1500m", "1500m"),
            ("1000", "1k"),
            ("1Gi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1024Ki", "1Mi"),
            ("0.5Ki", "512"),
            ("1e3", "1e3"),
            ("0", "0"),
            ("-1", "-1"),
            ("100000000000m", "100M"),
        ] {
            check(text, canonical);
        }
    }

    #[test]
    fn quantities_compare_by_what_they_amount_to() {
        let q = |text: &str| Quantity::parse(text).expect("a quantity");
        assert!(q("1Gi") > q("1G") && q("1000m") == q("1") && q("-1").is_negative());
        assert!(q("1500m") < q("2") && !q("1500m").is_whole() && q("0m").is_zero());
    }

    #[test]
    fn what_is_no_quantity_is_not_read() {
        for text in ["", "x", "1x", "1.2.3", "--1", "1 Gi", "."] {
            assert!(Quantity::parse(text).is_none(), "{text}");
        }
    }
}
