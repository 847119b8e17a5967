package directory

import "slices"

// emergencyByCountry lists the numbers that reach help, per country. 112 also works from every
// GSM network, 911 in the whole North American plan.
var emergencyByCountry = map[string][]string{
	"AT": {"112", "122", "133", "144"},
	"AU": {"000", "112"},
	"BE": {"112", "100", "101"},
	"BG": {"112"},
	"BR": {"190", "192", "193", "112"},
	"CA": {"911"},
	"CH": {"112", "117", "118", "144", "145", "1414"},
	"CY": {"112", "199"},
	"CZ": {"112", "150", "155", "158"},
	"DE": {"112", "110"},
	"DK": {"112"},
	"EE": {"112"},
	"ES": {"112", "061", "062", "080", "085", "091", "092"},
	"FI": {"112"},
	"FR": {"15", "17", "18", "112", "114", "115", "119", "191", "196"},
	"GB": {"999", "112"},
	"GF": {"15", "17", "18", "112", "114", "115", "119", "196"},
	"GP": {"15", "17", "18", "112", "114", "115", "119", "196"},
	"GR": {"112", "100", "108", "166", "199"},
	"HR": {"112", "192", "193", "194"},
	"HU": {"112", "104", "105", "107"},
	"IE": {"999", "112"},
	"IN": {"112", "100", "101", "102"},
	"IS": {"112"},
	"IT": {"112", "113", "115", "118"},
	"JP": {"110", "118", "119"},
	"LT": {"112"},
	"LU": {"112", "113"},
	"MA": {"15", "19", "177"},
	"MC": {"15", "17", "18", "112"},
	"MQ": {"15", "17", "18", "112", "114", "115", "119", "196"},
	"MT": {"112"},
	"MX": {"911"},
	"NL": {"112"},
	"NO": {"112", "110", "113"},
	"NZ": {"111"},
	"PL": {"112", "997", "998", "999"},
	"PR": {"911"},
	"PT": {"112"},
	"RE": {"15", "17", "18", "112", "114", "115", "119", "196"},
	"RO": {"112"},
	"SE": {"112"},
	"SI": {"112", "113"},
	"SK": {"112", "150", "155", "158"},
	"TN": {"190", "197", "198"},
	"US": {"911"},
	"ZA": {"112", "10111", "10177"},
}

// EmergencyNumbers gives the country's list, and 112 and 911 where we know none.
func EmergencyNumbers(country string) []string {
	if list, ok := emergencyByCountry[country]; ok {
		return slices.Clone(list)
	}
	return []string{"112", "911"}
}

// EmergencyNumbers gives the site's own list, or its country's.
func (s *Site) EmergencyNumbers() []string {
	if len(s.Emergency) > 0 {
		return s.Emergency
	}
	return EmergencyNumbers(s.Country)
}

// IsEmergency says whether a call to what was dialled must always be put through.
func (s *Site) IsEmergency(dialled string) bool {
	return slices.Contains(s.EmergencyNumbers(), dialled)
}
