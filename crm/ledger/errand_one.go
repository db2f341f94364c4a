package ledger

import "context"

// Errand returns one errand by its key; false when there is none.
func (l *Ledger) Errand(ctx context.Context, key string) (Errand, bool, error) {
	list, err := l.errands(ctx, "read the errand", "WHERE e.key = ?", key)
	if err != nil || len(list) == 0 {
		return Errand{}, false, err
	}
	return list[0], true, nil
}
