package crm

import "strings"

// zoneNames are the English names of zones (Unicode CLDR, metazones): standard time and daylight time; "" where there is
// none. Go's zone database only knows abbreviations, which mean different things in different countries.
var zoneNames = map[string][2]string{
	"gmt":      {"Greenwich Mean Time", "British Summer Time"},
	"irish":    {"Greenwich Mean Time", "Irish Standard Time"},
	"utc":      {"Coordinated Universal Time", ""},
	"westeu":   {"Western European Standard Time", "Western European Summer Time"},
	"centeu":   {"Central European Standard Time", "Central European Summer Time"},
	"easteu":   {"Eastern European Standard Time", "Eastern European Summer Time"},
	"moscow":   {"Moscow Standard Time", ""},
	"turkey":   {"Türkiye Time", ""},
	"israel":   {"Israel Standard Time", "Israel Daylight Time"},
	"gulf":     {"Gulf Standard Time", ""},
	"arabian":  {"Arabian Standard Time", ""},
	"sast":     {"South Africa Standard Time", ""},
	"eat":      {"East Africa Time", ""},
	"wat":      {"West Africa Standard Time", ""},
	"india":    {"India Standard Time", ""},
	"pakistan": {"Pakistan Standard Time", ""},
	"bangla":   {"Bangladesh Standard Time", ""},
	"indochin": {"Indochina Time", ""},
	"singap":   {"Singapore Standard Time", ""},
	"malaysia": {"Malaysia Time", ""},
	"hongkong": {"Hong Kong Standard Time", ""},
	"china":    {"China Standard Time", ""},
	"taipei":   {"Taipei Standard Time", ""},
	"manila":   {"Philippine Standard Time", ""},
	"japan":    {"Japan Standard Time", ""},
	"korea":    {"Korean Standard Time", ""},
	"wib":      {"Western Indonesia Time", ""},
	"auswest":  {"Australian Western Standard Time", ""},
	"auscent":  {"Australian Central Standard Time", "Australian Central Daylight Time"},
	"auseast":  {"Australian Eastern Standard Time", "Australian Eastern Daylight Time"},
	"nz":       {"New Zealand Standard Time", "New Zealand Daylight Time"},
	"atlantic": {"Atlantic Standard Time", "Atlantic Daylight Time"},
	"newfound": {"Newfoundland Standard Time", "Newfoundland Daylight Time"},
	"eastern":  {"Eastern Standard Time", "Eastern Daylight Time"},
	"central":  {"Central Standard Time", "Central Daylight Time"},
	"mountain": {"Mountain Standard Time", "Mountain Daylight Time"},
	"pacific":  {"Pacific Standard Time", "Pacific Daylight Time"},
	"alaska":   {"Alaska Standard Time", "Alaska Daylight Time"},
	"hawaii":   {"Hawaii-Aleutian Standard Time", ""},
	"brasilia": {"Brasilia Standard Time", ""},
	"argent":   {"Argentina Standard Time", ""},
	"colombia": {"Colombia Standard Time", ""},
	"peru":     {"Peru Standard Time", ""},
	"chile":    {"Chile Standard Time", "Chile Summer Time"},
}

// zoneGroups says which IANA zones carry a name.
const zoneGroups = `
gmt Europe/London Europe/Belfast Europe/Jersey Europe/Guernsey Europe/Isle_of_Man Africa/Accra Africa/Abidjan Africa/Dakar Atlantic/Reykjavik GB GMT Etc/GMT
irish Europe/Dublin Eire
utc UTC Etc/UTC Zulu
westeu Europe/Lisbon Atlantic/Canary Atlantic/Madeira
centeu Europe/Amsterdam Europe/Andorra Europe/Belgrade Europe/Berlin Europe/Bratislava Europe/Brussels Europe/Budapest Europe/Copenhagen Europe/Gibraltar Europe/Ljubljana Europe/Luxembourg Europe/Madrid Europe/Malta Europe/Monaco Europe/Oslo Europe/Paris Europe/Prague Europe/Rome Europe/Sarajevo Europe/Skopje Europe/Stockholm Europe/Tirane Europe/Vaduz Europe/Vienna Europe/Warsaw Europe/Zagreb Europe/Zurich Africa/Algiers Africa/Tunis
easteu Europe/Athens Europe/Bucharest Europe/Chisinau Europe/Helsinki Europe/Kiev Europe/Kyiv Europe/Riga Europe/Sofia Europe/Tallinn Europe/Vilnius Asia/Nicosia Asia/Beirut Africa/Cairo
moscow Europe/Moscow Europe/Minsk
turkey Europe/Istanbul Asia/Istanbul
israel Asia/Jerusalem Asia/Tel_Aviv
gulf Asia/Dubai Asia/Muscat
arabian Asia/Riyadh Asia/Kuwait Asia/Qatar Asia/Bahrain Asia/Baghdad
sast Africa/Johannesburg
eat Africa/Nairobi Africa/Kampala Africa/Addis_Ababa
wat Africa/Lagos
india Asia/Kolkata Asia/Calcutta Asia/Colombo
pakistan Asia/Karachi
bangla Asia/Dhaka
indochin Asia/Bangkok Asia/Ho_Chi_Minh Asia/Saigon
singap Asia/Singapore
malaysia Asia/Kuala_Lumpur
hongkong Asia/Hong_Kong
china Asia/Shanghai Asia/Macau
taipei Asia/Taipei
manila Asia/Manila
japan Asia/Tokyo
korea Asia/Seoul
wib Asia/Jakarta
auswest Australia/Perth
auscent Australia/Adelaide Australia/Darwin
auseast Australia/Sydney Australia/Melbourne Australia/Brisbane Australia/Hobart Australia/Canberra
nz Pacific/Auckland
atlantic America/Halifax America/Puerto_Rico Atlantic/Bermuda
newfound America/St_Johns
eastern America/New_York America/Detroit America/Toronto America/Montreal America/Indiana/Indianapolis America/Indianapolis America/Jamaica America/Panama US/Eastern
central America/Chicago America/Winnipeg America/Mexico_City America/Costa_Rica America/El_Salvador America/Guatemala US/Central
mountain America/Denver America/Phoenix America/Edmonton America/Boise US/Mountain
pacific America/Los_Angeles America/Vancouver America/Tijuana US/Pacific
alaska America/Anchorage
hawaii Pacific/Honolulu
brasilia America/Sao_Paulo
argent America/Argentina/Buenos_Aires America/Buenos_Aires
colombia America/Bogota
peru America/Lima
chile America/Santiago
`

// zoneName returns the long name of an IANA zone, or "" for one that is not in the table: a wrong name is worse than none.
func zoneName(id string, daylight bool) string {
	for line := range strings.Lines(zoneGroups) {
		group, zones, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		for z := range strings.FieldsSeq(zones) {
			if z != id {
				continue
			}
			names := zoneNames[group]
			if id == "Europe/Dublin" || id == "Eire" {
				daylight = !daylight // Ireland's law makes winter the exception; the zone database follows it
			}
			if daylight && names[1] != "" {
				return names[1]
			}
			return names[0]
		}
	}
	return ""
}
