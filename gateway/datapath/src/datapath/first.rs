//! What `CONFIG` says first.

use gateway_common::map::Config;

use crate::balance::BalanceSettings;
use crate::settings::DatapathSettings;
use crate::shed::Shed;

/// What the settings, as far as they could be loaded, add to what holds for all.
pub fn config(settings: &DatapathSettings, base: Config, shed: &Shed, balances: bool) -> Config {
    let mut config = base;
    config.flags |= shed.flags() | balance_flags(&settings.balance, balances);
    config.limit = shed.limit();
    if let Some(max) = settings.cookies {
        config.flags |= Config::COOKIES;
        config.cookies_max = cookies_of_a_cpu(max);
    }
    config
}

fn balance_flags(settings: &BalanceSettings, balances: bool) -> u32 {
    let unpacks = if settings.accept.is_empty() { 0 } else { Config::UNPACK };
    if balances { unpacks | Config::BALANCE } else { unpacks }
}

/// The limit is shared out evenly.
fn cookies_of_a_cpu(max: u32) -> u64 {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    (u64::from(max) / cpus).max(1)
}
