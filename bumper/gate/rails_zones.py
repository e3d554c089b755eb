"""Time zones by the names that Ruby on Rails gives them, which GitLab stores for its freeze periods.

After ``ActiveSupport::TimeZone::MAPPING``: mostly the city of the IANA name, with blanks.
"""

from zoneinfo import ZoneInfo

_BY_CITY = {
    "Africa": "Casablanca Monrovia Cairo Harare Nairobi",
    "America": "Tijuana Chihuahua Mazatlan Mexico_City Monterrey Bogota Lima Caracas La_Paz Santiago Montevideo "
    "Puerto_Rico",
    "America/Argentina": "Buenos_Aires",
    "Asia": "Jerusalem Kuwait Riyadh Baghdad Tehran Muscat Baku Tbilisi Yerevan Kabul Karachi Tashkent Kolkata "
    "Kathmandu Dhaka Almaty Novosibirsk Rangoon Bangkok Jakarta Krasnoyarsk Chongqing Hong_Kong Urumqi Kuala_Lumpur "
    "Singapore Taipei Irkutsk Ulaanbaatar Seoul Tokyo Yakutsk Vladivostok Magadan Srednekolymsk Kamchatka",
    "Atlantic": "Azores",
    "Australia": "Perth Darwin Adelaide Melbourne Sydney Brisbane Hobart",
    "Europe": "Dublin Lisbon London Belgrade Bratislava Budapest Ljubljana Prague Sarajevo Skopje Warsaw Zagreb "
    "Brussels Copenhagen Madrid Paris Amsterdam Berlin Zurich Rome Stockholm Vienna Bucharest Helsinki Riga Sofia "
    "Tallinn Vilnius Athens Istanbul Minsk Kaliningrad Moscow Volgograd Samara",
    "Pacific": "Guam Port_Moresby Fiji Auckland",
}
_OTHERWISE = {
    "International Date Line West": "Pacific/Midway", "Midway Island": "Pacific/Midway",
    "American Samoa": "Pacific/Pago_Pago", "Hawaii": "Pacific/Honolulu", "Alaska": "America/Juneau",
    "Pacific Time (US & Canada)": "America/Los_Angeles", "Mountain Time (US & Canada)": "America/Denver",
    "Arizona": "America/Phoenix", "Central Time (US & Canada)": "America/Chicago", "Saskatchewan": "America/Regina",
    "Guadalajara": "America/Mexico_City", "Central America": "America/Guatemala",
    "Eastern Time (US & Canada)": "America/New_York", "Indiana (East)": "America/Indiana/Indianapolis",
    "Quito": "America/Lima", "Atlantic Time (Canada)": "America/Halifax", "Newfoundland": "America/St_Johns",
    "Brasilia": "America/Sao_Paulo", "Georgetown": "America/Guyana", "Greenland": "America/Godthab",
    "Mid-Atlantic": "Atlantic/South_Georgia", "Cape Verde Is.": "Atlantic/Cape_Verde", "Edinburgh": "Europe/London",
    "Bern": "Europe/Zurich", "West Central Africa": "Africa/Algiers", "Kyiv": "Europe/Kiev",
    "Pretoria": "Africa/Johannesburg", "St. Petersburg": "Europe/Moscow", "Abu Dhabi": "Asia/Muscat",
    "Ekaterinburg": "Asia/Yekaterinburg", "Islamabad": "Asia/Karachi", "Chennai": "Asia/Kolkata",
    "Mumbai": "Asia/Kolkata", "New Delhi": "Asia/Kolkata", "Astana": "Asia/Dhaka",
    "Sri Jayawardenepura": "Asia/Colombo", "Hanoi": "Asia/Bangkok", "Beijing": "Asia/Shanghai", "Osaka": "Asia/Tokyo",
    "Sapporo": "Asia/Tokyo", "Canberra": "Australia/Melbourne", "Solomon Is.": "Pacific/Guadalcanal",
    "New Caledonia": "Pacific/Noumea", "Marshall Is.": "Pacific/Majuro", "Wellington": "Pacific/Auckland",
    "Nuku'alofa": "Pacific/Tongatapu", "Tokelau Is.": "Pacific/Fakaofo", "Chatham Is.": "Pacific/Chatham",
    "Samoa": "Pacific/Apia",
}  # fmt: skip
_MAPPING = {
    city.replace("_", " "): f"{region}/{city}" for region, cities in _BY_CITY.items() for city in cities.split()
} | _OTHERWISE


def zone_of(name: str) -> ZoneInfo | None:
    """The time zone by its IANA name or by the one of Rails; None where there is no such zone."""
    try:
        return ZoneInfo(_MAPPING.get(name, name))
    except (ValueError, OSError, LookupError):
        return None
