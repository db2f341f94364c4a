package transaction

// queue.go keeps the order: whatever belongs to one Call-ID runs one after the other, on a goroutine that lives as long
// as there is something to do. sipgo's own layer starts a goroutine per message, which overtake each other.

// class says what happens to an entry when its queue is full.
type class uint8

const (
	must    class = iota // final responses and ends of transactions: never dropped, they belong to requests of ours
	request              // new requests: refused
	control              // ACK and CANCEL: four times the room, because refusing one leaves a call behind
	hint                 // provisional responses: dropped first
)

type queue struct{ turns []func() }

// post appends a turn to the queue of a Call-ID. It never blocks; false says that there was no room, or that the layer is closed.
func (l *Layer) post(callID string, c class, turn func()) bool {
	l.qmu.Lock()
	defer l.qmu.Unlock()
	if l.drained {
		return false
	}
	q := l.queues[callID]
	if q == nil {
		if c != must && len(l.queues) >= l.cfg.MaxQueues {
			l.count.overflow.Add(1)
			return false
		}
		q = &queue{turns: []func(){turn}}
		l.queues[callID] = q
		l.wg.Go(func() { l.work(callID, q) })
		return true
	}
	room := l.cfg.QueueLen
	if c == control {
		room *= 4
	}
	if c != must && len(q.turns) >= room {
		l.count.overflow.Add(1)
		return false
	}
	q.turns = append(q.turns, turn)
	return true
}

// work runs the turns of one Call-ID until none is left.
func (l *Layer) work(callID string, q *queue) {
	for {
		l.qmu.Lock()
		if len(q.turns) == 0 {
			delete(l.queues, callID)
			l.qmu.Unlock()
			return
		}
		turns := q.turns
		turn := turns[0]
		turns[0] = nil
		if q.turns = turns[1:]; len(q.turns) == 0 {
			q.turns = nil
		}
		l.qmu.Unlock()
		turn()
	}
}
