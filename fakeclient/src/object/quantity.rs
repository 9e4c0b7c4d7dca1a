//! Quantities (`1500m`, `1.5Gi`, `1e3`) and their canonical form, as in apimachinery's `api/resource` (Kubernetes
//! 1.37).
//!
//! A value is stored exactly, as an integer times a power of ten. More than 38 digits are an error here, but not in the
//! server.

use std::cmp::Ordering;

const FORMAT: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const NUMERIC: &str = "unable to parse numeric part of quantity";
const SUFFIX: &str = "unable to parse quantity's suffix";

/// Format of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    DecimalSi,
    DecimalExponent,
    BinarySi,
}

/// A quantity with its format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quantity {
    /// Significant digits; the value is `digits * 10^exponent`.
    digits: i128,
    exponent: i32,
    style: Format,
    /// The original text, if the server prints it unchanged.
    written: Option<String>,
}

struct QuantityParts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

impl Quantity {
    /// Parses a quantity. The error is the server's message.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let parts = split(text)?;
        let (base, power, style) = read_suffix(parts.suffix).ok_or(SUFFIX)?;
        // A point alone parses as zero.
        let digits_text = format!("0{}{}", parts.whole, parts.fraction);
        let mut digits: i128 = digits_text.parse().map_err(|_| NUMERIC)?;
        let places = i32::try_from(parts.fraction.len()).map_err(|_| NUMERIC)?;
        let mut exponent = -places;
        if base == 2 {
            digits = digits.checked_mul(1_i128 << power).ok_or(NUMERIC)?;
        } else {
            exponent += power;
        }
        let written = is_canonical(&parts, style, power, exponent).then(|| text.to_owned());
        let mut quantity = Self { digits, exponent, style, written };
        quantity.round_up(-9);
        if style == Format::BinarySi && quantity.exponent >= 0 && quantity.digits > i128::from(i64::MAX) {
            quantity.digits = i128::from(i64::MAX);
            quantity.written = None;
        }
        if parts.negative {
            quantity.digits = -quantity.digits;
        }
        Ok(quantity)
    }

    /// Rounds up to a multiple of `10^exponent`.
    pub(crate) fn round_up(&mut self, exponent: i32) {
        if self.exponent < exponent
            && self.digits % 10_i128.pow((exponent - self.exponent).unsigned_abs().min(38)) != 0
        {
            self.digits = scaled(self.digits, self.exponent, exponent);
            self.exponent = exponent;
            self.written = None;
        }
    }

    /// The value in thousandths, rounded away from zero, as `Quantity.MilliValue` returns it.
    pub(crate) fn milli(&self) -> i128 {
        scaled(self.digits, self.exponent, -3)
    }

    /// Compares by value, regardless of the format.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        scaled(self.digits, self.exponent, -9).cmp(&scaled(other.digits, other.exponent, -9))
    }

    /// An integer quantity.
    pub(crate) fn of(number: i64) -> Self {
        Self { digits: number.into(), exponent: 0, style: Format::DecimalSi, written: None }
    }

    /// The sum, in the format of the first operand unless that is zero.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        let style = if self.digits == 0 { other.style } else { self.style };
        let exponent = self.exponent.min(other.exponent);
        let digits = scaled(self.digits, self.exponent, exponent).saturating_add(scaled(
            other.digits,
            other.exponent,
            exponent,
        ));
        Self { digits, exponent, style, written: None }
    }

    /// The negated quantity.
    pub(crate) fn negated(&self) -> Self {
        Self { digits: -self.digits, written: None, ..self.clone() }
    }

    /// The sign: -1, 0 or 1.
    pub(crate) fn sign(&self) -> i64 {
        i64::try_from(self.digits.signum()).expect("a signum fits")
    }

    /// The value, if it is an integer in range.
    pub(crate) fn whole(&self) -> Option<i64> {
        let whole = scaled(self.digits, self.exponent, 0);
        let exact = self.exponent >= 0 || scaled(whole, 0, self.exponent) == self.digits;
        i64::try_from(whole).ok().filter(|_| exact)
    }

    /// The value as a float, possibly rounded.
    #[expect(clippy::cast_precision_loss, reason = "an approximation is what is asked for")]
    pub(crate) fn approximate(&self) -> f64 {
        self.digits as f64 * 10_f64.powi(self.exponent)
    }

    /// The canonical form, as the server prints it.
    pub(crate) fn canonical(&self) -> String {
        if let Some(written) = &self.written {
            return written.clone();
        }
        if self.digits == 0 {
            return "0".to_owned();
        }
        if self.style == Format::BinarySi {
            let whole = scaled(self.digits, self.exponent, 0);
            let exact = self.exponent >= 0 || scaled(whole, 0, self.exponent) == self.digits;
            if exact && whole.abs() >= 1024 {
                return binary(whole);
            }
        }
        self.decimal()
    }

    fn decimal(&self) -> String {
        let (mut digits, mut exponent) = (self.digits, self.exponent);
        while digits % 10 == 0 {
            digits /= 10;
            exponent += 1;
        }
        while exponent.rem_euclid(3) != 0 || exponent > 18 && self.style != Format::DecimalExponent {
            digits *= 10;
            exponent -= 1;
        }
        if self.style == Format::DecimalExponent {
            return if exponent == 0 { digits.to_string() } else { format!("{digits}e{exponent}") };
        }
        let suffix = match exponent {
            -9 => "n",
            -6 => "u",
            -3 => "m",
            3 => "k",
            6 => "M",
            9 => "G",
            12 => "T",
            15 => "P",
            18 => "E",
            _ => "",
        };
        format!("{digits}{suffix}")
    }
}

fn binary(mut whole: i128) -> String {
    let mut step = 0;
    while whole % 1024 == 0 && step < 6 {
        whole /= 1024;
        step += 1;
    }
    format!("{whole}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][step])
}

/// Converts `digits * 10^from` to units of `10^to`, rounded away from zero.
fn scaled(digits: i128, from: i32, to: i32) -> i128 {
    let steps = from - to;
    if steps >= 0 {
        let factor = 10_i128.checked_pow(steps.unsigned_abs()).unwrap_or(i128::MAX);
        return digits.saturating_mul(factor);
    }
    let Some(divisor) = 10_i128.checked_pow(steps.unsigned_abs()) else {
        return digits.signum();
    };
    let rest = digits % divisor;
    digits / divisor + if rest == 0 { 0 } else { digits.signum() }
}

/// True if the server prints the original text instead of the canonical form.
fn is_canonical(parts: &QuantityParts<'_>, style: Format, power: i32, exponent: i32) -> bool {
    let shifted = format!("{}{}", parts.whole, parts.fraction);
    let Ok(value) = shifted.parse::<i64>() else {
        return false;
    };
    let length = i32::try_from(shifted.len()).unwrap_or(i32::MAX);
    if style == Format::BinarySi {
        let fits = length + power * 3 / 10 < 15;
        return parts.fraction.is_empty() && fits && power % 10 == 0 && value & 7 != 0;
    }
    length <= 18
        && exponent >= -9
        && exponent % 3 == 0
        && !shifted.ends_with("000")
        && !shifted.starts_with('0')
}

fn split(text: &str) -> Result<QuantityParts<'_>, &'static str> {
    let (negative, rest) = match text.as_bytes().first() {
        None => return Err(FORMAT),
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        Some(_) => (false, text),
    };
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = rest.split_at(digits(rest));
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(digits(rest)),
        None => ("", rest),
    };
    let letters = suffix.bytes().take_while(|b| b"eEinumkKMGTP".contains(b)).count();
    let tail = suffix[letters..].trim_start_matches(['+', '-']);
    let signs = suffix.len() - letters - tail.len();
    if signs > 1 || !tail.bytes().all(|b| b.is_ascii_digit()) {
        return Err(FORMAT);
    }
    if whole.is_empty() && fraction.is_empty() && !rest.starts_with('.') {
        return Err(FORMAT);
    }
    // Leading zeros are not significant.
    let significant = whole.trim_start_matches('0');
    let whole = if significant.is_empty() && !whole.is_empty() { "0" } else { significant };
    Ok(QuantityParts { negative, whole, fraction, suffix })
}

/// Base, exponent and format of a suffix.
fn read_suffix(suffix: &str) -> Option<(u32, i32, Format)> {
    let decimal = |power| Some((10, power, Format::DecimalSi));
    let binary = |power| Some((2, power, Format::BinarySi));
    match suffix {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => {
            let power = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            (-40..=30).contains(&power).then_some((10, power, Format::DecimalExponent))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0", "0")]
    #[case("1000m", "1")]
    #[case("1500m", "1500m")]
    #[case("1.5", "1500m")]
    #[case("1.005", "1.005")]
    #[case("0.5", "500m")]
    #[case("0.1", "100m")]
    #[case("1000", "1k")]
    #[case("1024", "1024")]
    #[case("1.5Gi", "1536Mi")]
    #[case("1024Mi", "1Gi")]
    #[case("1000Ki", "1000Ki")]
    #[case("100Mi", "100Mi")]
    #[case("0.5Ki", "512")]
    #[case("1e3", "1e3")]
    #[case("12e2", "1200")]
    #[case("100G", "100G")]
    #[case("10000G", "10T")]
    #[case("-1.5", "-1500m")]
    #[case("0.0000000001", "1n")]
    #[case("007", "007")]
    #[case(".", "0")]
    #[case("+5", "+5")]
    #[case("5.", "5.")]
    #[case(".5", "500m")]
    #[case("1e19", "10e18")]
    #[case("1E3", "1E3")]
    #[case("9Ei", "9223372036854775807")]
    #[case("00", "0")]
    #[case("0Gi", "0")]
    #[case("1.0Gi", "1Gi")]
    #[case("12345678901234567890", "12345678901234567890")]
    fn quantity_is_printed_in_canonical_form(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(Quantity::parse(text).unwrap().canonical(), expected);
    }

    #[rstest]
    #[case("", FORMAT)]
    #[case("abc", FORMAT)]
    #[case("true", FORMAT)]
    #[case("1x", FORMAT)]
    #[case("1.2.3", FORMAT)]
    #[case("5mm", SUFFIX)]
    fn invalid_quantity_has_the_message_of_kube_apiserver(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(Quantity::parse(text).unwrap_err(), expected);
    }

    #[test]
    fn comparison_ignores_the_format() {
        let of = |text: &str| Quantity::parse(text).unwrap();
        assert_eq!(of("1Gi").compare(&of("1073741824")), Ordering::Equal);
        assert_eq!(of("1G").compare(&of("1Gi")), Ordering::Less);
        assert_eq!(of("1500m").milli(), 1500);
    }
}
