package directory

import "strings"

// Feature is something a line does by dialling a code; its name is that of the code's field in the site file.
type Feature string

// The features. Those with a counterpart that ends them carry Off in its name.
const (
	FeatureHoteling               Feature = "hoteling"                  // guest in or out on a host phone
	FeatureHideNumber             Feature = "hide_number"               // code and number: this call without the caller's number
	FeatureShowNumber             Feature = "show_number"               // code and number: this call with it
	FeatureForwardAlways          Feature = "forward_always"            // code and target
	FeatureForwardAlwaysOff       Feature = "forward_always_off"        //
	FeatureForwardBusy            Feature = "forward_busy"              // code and target
	FeatureForwardBusyOff         Feature = "forward_busy_off"          //
	FeatureForwardNoAnswer        Feature = "forward_no_answer"         // code and target
	FeatureForwardNoAnswerOff     Feature = "forward_no_answer_off"     //
	FeatureForwardNotReachable    Feature = "forward_not_reachable"     // code and target
	FeatureForwardNotReachableOff Feature = "forward_not_reachable_off" //
	FeatureDND                    Feature = "dnd"                       // do not disturb
	FeatureDNDOff                 Feature = "dnd_off"                   //
	FeatureVoicemail              Feature = "voicemail"                 // the line's own mailbox
	FeaturePark                   Feature = "park"                      // code, perhaps with the extension to park at
	FeatureUnpark                 Feature = "unpark"                    // the same to take the call back
	FeaturePickup                 Feature = "pickup"                    // code and the ringing extension
	FeatureGroupPickup            Feature = "group_pickup"              // what rings in the line's pickup group
	FeatureConference             Feature = "conference"                // a bridge for this call
)

// FeatureOff as a code switches the feature's code off.
const FeatureOff = "off"

// FeatureCodes are the codes of a site; FeatureOff means none.
type FeatureCodes struct {
	Hoteling               string `yaml:"hoteling" json:"hoteling,omitempty"`
	HideNumber             string `yaml:"hide_number" json:"hide_number,omitempty"`
	ShowNumber             string `yaml:"show_number" json:"show_number,omitempty"`
	ForwardAlways          string `yaml:"forward_always" json:"forward_always,omitempty"`
	ForwardAlwaysOff       string `yaml:"forward_always_off" json:"forward_always_off,omitempty"`
	ForwardBusy            string `yaml:"forward_busy" json:"forward_busy,omitempty"`
	ForwardBusyOff         string `yaml:"forward_busy_off" json:"forward_busy_off,omitempty"`
	ForwardNoAnswer        string `yaml:"forward_no_answer" json:"forward_no_answer,omitempty"`
	ForwardNoAnswerOff     string `yaml:"forward_no_answer_off" json:"forward_no_answer_off,omitempty"`
	ForwardNotReachable    string `yaml:"forward_not_reachable" json:"forward_not_reachable,omitempty"`
	ForwardNotReachableOff string `yaml:"forward_not_reachable_off" json:"forward_not_reachable_off,omitempty"`
	DND                    string `yaml:"dnd" json:"dnd,omitempty"`
	DNDOff                 string `yaml:"dnd_off" json:"dnd_off,omitempty"`
	Voicemail              string `yaml:"voicemail" json:"voicemail,omitempty"`
	Park                   string `yaml:"park" json:"park,omitempty"`
	Unpark                 string `yaml:"unpark" json:"unpark,omitempty"`
	Pickup                 string `yaml:"pickup" json:"pickup,omitempty"`
	GroupPickup            string `yaml:"group_pickup" json:"group_pickup,omitempty"`
	Conference             string `yaml:"conference" json:"conference,omitempty"`
}

// DefaultFeatureCodes are those of ETSI's supplementary services where it has one (*21, *61, *62, *67, *31), else those
// that hosted telephony commonly uses. All have two digits, as the dial plans of desk phones want it.
var DefaultFeatureCodes = FeatureCodes{
	Hoteling:      "*11",
	HideNumber:    "*31",
	ShowNumber:    "#31",
	ForwardAlways: "*21", ForwardAlwaysOff: "#21",
	ForwardBusy: "*67", ForwardBusyOff: "#67",
	ForwardNoAnswer: "*61", ForwardNoAnswerOff: "#61",
	ForwardNotReachable: "*62", ForwardNotReachableOff: "#62",
	DND: "*78", DNDOff: "*79",
	Voicemail:   "*86",
	Park:        "*68",
	Unpark:      "*88",
	Pickup:      "*97",
	GroupPickup: "*98",
	Conference:  "*33",
}

// FeatureCode is one code of a site.
type FeatureCode struct {
	Feature Feature
	Code    string
}

// All gives every feature with its code, those that are off too, in the order of the fields.
func (c *FeatureCodes) All() []FeatureCode {
	refs := c.refs()
	all := make([]FeatureCode, len(refs))
	for i, r := range refs {
		all[i] = FeatureCode{r.feature, *r.code}
	}
	return all
}

// featureRef is a feature with the place of its code.
type featureRef struct {
	feature Feature
	code    *string
}

func (c *FeatureCodes) refs() []featureRef {
	return []featureRef{
		{FeatureHoteling, &c.Hoteling},
		{FeatureHideNumber, &c.HideNumber},
		{FeatureShowNumber, &c.ShowNumber},
		{FeatureForwardAlways, &c.ForwardAlways},
		{FeatureForwardAlwaysOff, &c.ForwardAlwaysOff},
		{FeatureForwardBusy, &c.ForwardBusy},
		{FeatureForwardBusyOff, &c.ForwardBusyOff},
		{FeatureForwardNoAnswer, &c.ForwardNoAnswer},
		{FeatureForwardNoAnswerOff, &c.ForwardNoAnswerOff},
		{FeatureForwardNotReachable, &c.ForwardNotReachable},
		{FeatureForwardNotReachableOff, &c.ForwardNotReachableOff},
		{FeatureDND, &c.DND},
		{FeatureDNDOff, &c.DNDOff},
		{FeatureVoicemail, &c.Voicemail},
		{FeaturePark, &c.Park},
		{FeatureUnpark, &c.Unpark},
		{FeaturePickup, &c.Pickup},
		{FeatureGroupPickup, &c.GroupPickup},
		{FeatureConference, &c.Conference},
	}
}

// fill puts the defaults where there is no code. Picking up in a group, which came later than the other codes, has none where the
// default would be another code of the site.
func (c *FeatureCodes) fill() {
	if c.GroupPickup == "" && c.takes(DefaultFeatureCodes.GroupPickup) {
		c.GroupPickup = FeatureOff
	}
	defaults := DefaultFeatureCodes
	from := defaults.refs()
	for i, r := range c.refs() {
		if *r.code == "" {
			*r.code = *from[i].code
		}
	}
}

// takes tells whether a code that the site has begins with another one, or the other one with it.
func (c *FeatureCodes) takes(code string) bool {
	for _, r := range c.refs() {
		if has := *r.code; has != "" && has != FeatureOff && (strings.HasPrefix(has, code) || strings.HasPrefix(code, has)) {
			return true
		}
	}
	return false
}
