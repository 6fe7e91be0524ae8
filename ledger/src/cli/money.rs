//! Amounts: read and printed in smallest units, shown to people with the asset's decimals too.

use crate::AssetCode;
use keys::{Asset, Genesis, genesis::parse_amount};

use super::failure::{Failure, Outcome};

/// An asset of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its code.
    pub code: AssetCode,
    /// How many decimal places people see.
    pub decimals: u8,
}

impl Unit {
    fn of(asset: &Asset) -> Outcome<Self> {
        let code = asset.code.parse();
        let code = code.map_err(|error| Failure::unverified(format!("genesis: {error}")))?;
        Ok(Self {
            code,
            decimals: asset.decimals,
        })
    }

    /// The asset of that code; without one, the network's only asset.
    pub fn find(genesis: &Genesis, code: Option<&str>) -> Outcome<Self> {
        let codes = || {
            let codes = genesis.assets().iter().map(|asset| asset.code.as_str());
            codes.collect::<Vec<_>>().join(", ")
        };
        match (code, genesis.assets()) {
            (Some(code), _) => genesis.asset(code).map_or_else(
                || {
                    Err(Failure::usage(format!("the network has no asset {code:?}"))
                        .meaning("Nothing was sent.")
                        .next(format!("Assets: {}", codes())))
                },
                Self::of,
            ),
            (None, [only]) => Self::of(only),
            (None, []) => Err(Failure::usage("the network has no assets")),
            (None, _) => Err(Failure::usage(
                "the network has several assets: say which one with --asset",
            )
            .meaning("Nothing was sent.")
            .next(format!("Assets: {}", codes()))),
        }
    }

    /// The asset of that code for printing. One that genesis does not list has no decimals.
    pub fn named(genesis: &Genesis, code: AssetCode) -> Self {
        let asset = genesis.asset(code.as_str());
        Self {
            code,
            decimals: asset.map_or(0, |asset| asset.decimals),
        }
    }

    /// The amount with the asset's decimals, for people: 123456 of an asset with two is `1,234.56`.
    pub fn decimal(&self, amount: u64) -> String {
        terminal::decimal(amount, self.decimals)
    }

    /// The amount for people, in both forms if they differ: `2.50 USD (250 units)`.
    pub fn text(&self, amount: u64) -> String {
        if self.decimals == 0 {
            format!("{} {}", self.decimal(amount), self.code)
        } else {
            let units = if amount == 1 { "unit" } else { "units" };
            format!("{} {} ({amount} {units})", self.decimal(amount), self.code)
        }
    }

    /// Reads an amount: a whole number of smallest units, at least one.
    pub fn parse(&self, text: &str) -> Outcome<u64> {
        let message = match parse_amount(text) {
            Ok(0) => "an amount must be at least 1".to_owned(),
            Ok(amount) => return Ok(amount),
            Err(_) if text.starts_with('-') => {
                format!("{text:?} is negative: an amount must be at least 1")
            }
            Err(_) if too_large(text) => {
                format!("the amount is too large: the most is {}", u64::MAX)
            }
            Err(_) => format!(
                "{text:?} is no amount: use a whole number of smallest units, 1 to {}, without sign or leading zeros",
                u64::MAX
            ),
        };
        let hint = match self.units(text) {
            Some(units) => format!(
                "Amounts are whole numbers of the smallest unit: {text} {} is {units}",
                self.code
            ),
            None => format!(
                "Amounts are whole numbers of the smallest unit: 250 means {}",
                self.text(250)
            ),
        };
        Err(Failure::usage(message)
            .meaning("Nothing was sent.")
            .next(hint))
    }

    /// What somebody who wrote a decimal amount meant, in smallest units.
    fn units(&self, text: &str) -> Option<u64> {
        let (whole, fraction) = text.split_once('.')?;
        let decimals = usize::from(self.decimals);
        let fits = !fraction.is_empty() && fraction.len() <= decimals && !whole.is_empty();
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !fits || !digits(whole) || !digits(fraction) {
            return None;
        }
        format!("{whole}{fraction:0<decimals$}").parse().ok()
    }
}

fn too_large(text: &str) -> bool {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain && !text.starts_with('0') && text.parse::<u64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(decimals: u8) -> Unit {
        Unit {
            code: "USD".parse().unwrap(),
            decimals,
        }
    }

    fn refused(text: &str) -> Failure {
        unit(2).parse(text).unwrap_err()
    }

    #[test]
    fn amounts_are_shown_in_both_forms() {
        assert_eq!(unit(2).text(250), "2.50 USD (250 units)");
        assert_eq!(unit(2).text(1), "0.01 USD (1 unit)");
        assert_eq!(unit(2).text(0), "0.00 USD (0 units)");
        assert_eq!(unit(0).text(250), "250 USD");
        assert_eq!(unit(18).decimal(1), "0.000000000000000001");
        assert_eq!(unit(2).decimal(u64::MAX), "184,467,440,737,095,516.15");
        assert_eq!(unit(0).decimal(1000), "1,000");
        assert_eq!(unit(2).decimal(99_999), "999.99");
    }

    #[test]
    fn amounts_are_whole_numbers_of_the_smallest_unit() {
        assert_eq!(unit(2).parse("250").unwrap(), 250);
        assert_eq!(unit(2).parse("18446744073709551615").unwrap(), u64::MAX);
        assert!(refused("0").message.contains("at least 1"));
        assert!(refused("-5").message.contains("negative"));
        assert!(
            refused("18446744073709551616")
                .message
                .contains("too large")
        );
        for garbage in ["", "x", "1e9", "0x10", "+5", "007", "1_000", "1,5", "٣"] {
            let failure = refused(garbage);
            assert_eq!(failure.code, terminal::exit::Code::Usage, "{garbage:?}");
            assert!(failure.message.contains("no amount"), "{garbage:?}");
            assert!(failure.message.contains(" 1 to "), "{garbage:?}");
        }
    }

    #[test]
    fn whoever_writes_decimals_is_told_the_units() {
        let hint = |text: &str| refused(text).next.unwrap();
        assert!(hint("2.50").ends_with("2.50 USD is 250"));
        assert!(hint("2.5").ends_with("2.5 USD is 250"));
        assert!(hint("2.505").contains("250 means 2.50 USD"));
        assert!(hint(".5").contains("250 means"));
    }
}
