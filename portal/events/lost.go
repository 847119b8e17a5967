package events

// Lost tells that events are missing where it stands.
type Lost struct {
	Count uint64 `json:"count"`          // how many are missing
	From  string `json:"from,omitempty"` // cursor of the last event before them; empty where they never had numbers
	To    string `json:"to,omitempty"`   // cursor of the last of them
}
