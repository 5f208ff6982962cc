/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When an old view may be freed: worker.c, and of DPDK rte_rcu_qsbr.h.
 *
 * The control thread publishes a view and waits until the worker has seen the token of
 * that moment, or holds nothing (its counter is 0).  The worker reports the token after each
 * pass, 0 before it sleeps, and the token again when it wakes; there with a full barrier
 * before it looks at the view.  Its stores wait in a buffer (TSO), those of the control
 * thread do not, as it publishes by an atomic exchange and adds to the token atomically.
 *
 * Properties: the worker never looks at a view that was freed; every publish comes to an end
 * while the worker runs, whether it forwards or sleeps (no invalid end state).
 *
 * Each of these has to be found to break it:
 *	NO_WAIT			the old view is freed at once
 *	NO_ONLINE_BARRIER	the view is read before it is told that we read it
 *	HELD_OVER_SLEEP		the view of before the sleep is used after it
 *	QUIESCENT_IN_PASS	the token is reported while the view is in use
 *	ASLEEP_ONLINE		a worker that sleeps without telling that it holds nothing, and
 *				that nobody wakes
 */
#define VIEWS 4			/* the first, and those that are published */

byte view = 0;			/* what the worker is to forward by */
bool freed[VIEWS];
byte token = 1;
byte seen = 0;			/* the worker's counter, 0 while it holds nothing */
bool woken;			/* wake_fd */
bool stop;

chan stores = [2] of { byte };

active proctype worker_memory()
{
	byte value;

end:	do
	:: atomic { stores ? value -> seen = value }
	od
}

inline use(which)
{
	assert(!freed[which]);
	assert(!freed[which])
}

inline go_online()
{
	now = token;
	stores ! now;
#ifndef NO_ONLINE_BARRIER
	empty(stores)
#endif
}

active proctype worker()
{
	byte mine, now;

	go_online();
	do
	:: stop -> break
	:: else ->
		mine = view;
#ifdef QUIESCENT_IN_PASS
		now = token;
		stores ! now;
#endif
		use(mine);
#ifndef QUIESCENT_IN_PASS
		now = token;
		stores ! now;
#endif
		if
		:: true			/* there was traffic */
		:: true ->		/* sleep_on_kicks() */
			mine = view;
			use(mine);	/* enable_kicks() */
#ifndef ASLEEP_ONLINE
			stores ! 0;
#endif
			atomic { woken -> woken = false };
#ifndef ASLEEP_ONLINE
			go_online();
#endif
#ifndef HELD_OVER_SLEEP
			mine = view;
#endif
			use(mine)	/* disable_kicks() */
		fi
	od;
	stores ! 0
}

active proctype control()
{
	byte old, next = 1, wanted;

	do
	:: next < VIEWS ->
		atomic { old = view; view = next };
#ifndef ASLEEP_ONLINE
		woken = true;
#endif
		atomic { token++; wanted = token };
#ifndef NO_WAIT
		(seen == 0 || seen >= wanted);
#endif
		freed[old] = true;
		next++
	:: else -> break
	od;
	stop = true;
	woken = true
}
