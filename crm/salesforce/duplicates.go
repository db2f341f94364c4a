package salesforce

// Duplicates is what a duplicate rule found when a record was saved.
type Duplicates struct {
	AllowSave    bool              `json:"allowSave"` // the rule lets the record be saved anyway
	Rule         string            `json:"duplicateRule"`
	EntityType   string            `json:"duplicateRuleEntityType"`
	ErrorMessage string            `json:"errorMessage"`
	MatchResults []DuplicateResult `json:"matchResults"`
}

// DuplicateResult is one matching rule's findings.
type DuplicateResult struct {
	EntityType   string `json:"entityType"`
	Rule         string `json:"rule"`
	Size         int    `json:"size"`
	MatchRecords []struct {
		Confidence float64 `json:"matchConfidence"`
		Record     Record  `json:"record"`
	} `json:"matchRecords"`
}

// Records returns the existing records in the order found; the object name is filled in where the reply left the
// attributes empty.
func (d *Duplicates) Records() []Record {
	if d == nil {
		return nil
	}
	var out []Record
	for _, m := range d.MatchResults {
		for _, r := range m.MatchRecords {
			if r.Record == nil {
				continue
			}
			if r.Record.Type() == "" {
				r.Record["attributes"] = map[string]any{"type": m.EntityType}
			}
			out = append(out, r.Record)
		}
	}
	return out
}
