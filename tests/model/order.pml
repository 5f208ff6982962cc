/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nobody writes to what is cleared: vhost-user/blk/order.h.
 *
 * Two workers write, to either of two blocks, and two others clear one of them each.  A write counts
 * itself in the phase that it read, and looks then whether its block is listed.  Its stores wait in a
 * buffer (TSO); those of who clears do not, as they end with a barrier of its own.  A block is listed, the
 * kernel has each CPU empty its buffer at some moment, and what was counted is waited for: in the
 * phase that is not the current one, and, once the phase has changed, in the one before.
 *
 * Properties: no block is written and cleared at the same time; who clears comes to an end when
 * nobody writes any more (no invalid end state).
 *
 * Each of these has to be found to break it:
 *	NO_BARRIER		the kernel does nothing
 *	BARRIER_FIRST		it does so before the block is listed
 *	LOOK_FIRST		a write looks before it counts itself
 *	NO_WAIT			nobody waits for what was counted
 *	ONE_PHASE		the phase changes without the other one being dry
 *	OF_THE_CHANGE_BEFORE	a change of the phase counts that began before the barrier
 */
#define WRITES 1		/* of each */

bool listed[2];			/* blocks */
byte phase = 0;
byte passed = 0;
bool changing = false;
byte count[4];			/* of a writer in a phase: 2 * writer + phase */
byte writing[2];		/* how many, at a block */
bool clearing[2];

/* Stores of a writer: which counter, and what it is then. */
chan stores0 = [3] of { byte, byte };
chan stores1 = [3] of { byte, byte };

active proctype memory0()
{
	byte which, value;

end:	do
	:: atomic { stores0 ? which, value -> count[which] = value }
	od
}

active proctype memory1()
{
	byte which, value;

end:	do
	:: atomic { stores1 ? which, value -> count[which] = value }
	od
}

proctype writer(byte ring; chan stores)
{
	byte own[2], mine, block, left = WRITES;
	bool is_listed;

	do
	:: left == 0 -> break
	:: else ->
		left--;
		if
		:: block = 0
		:: block = 1
		fi;
again:
#ifdef LOOK_FIRST
		is_listed = listed[block];
#endif
		mine = phase;
		own[mine]++;
		stores ! 2 * ring + mine, own[mine];
#ifndef LOOK_FIRST
		is_listed = listed[block];
#endif
		if
		:: is_listed ->
			own[mine]--;
			stores ! 2 * ring + mine, own[mine];
			!listed[block];
			goto again
		:: else
		fi;
		atomic { writing[block]++; assert(!clearing[block]) };
		writing[block]--;
		own[mine]--;
		stores ! 2 * ring + mine, own[mine]
	od
}

#define dry(which) (count[which] == 0 && count[2 + which] == 0)

/* What pass_on() does at a time, with the lock. */
inline pass_on(until)
{
	atomic {
		if
#ifdef ONE_PHASE
		:: passed < until && !changing ->
#else
		:: passed < until && !changing && dry(1 - phase) ->
#endif
			phase = 1 - phase;
			changing = true
		:: passed < until && changing && dry(1 - phase) ->
			changing = false;
			passed++
		:: passed >= until
		fi
	}
}

inline barrier()
{
#ifndef NO_BARRIER
	empty(stores0);
	empty(stores1)
#else
	skip
#endif
}

proctype clearer(byte block)
{
	byte until;

#ifdef BARRIER_FIRST
	barrier();
#endif
	listed[block] = true;
#ifdef OF_THE_CHANGE_BEFORE
	until = passed + 1;
#endif
#ifndef BARRIER_FIRST
	barrier();
#endif
#ifndef OF_THE_CHANGE_BEFORE
	until = passed + changing + 1;
#endif
#ifndef NO_WAIT
	do
	:: passed >= until -> break
	:: else -> pass_on(until)
	od;
#endif
	atomic { clearing[block] = true; assert(writing[block] == 0) };
	clearing[block] = false;
	listed[block] = false
}

init {
	atomic {
		run writer(0, stores0);
		run writer(1, stores1);
		run clearer(0);
		run clearer(1)
	}
}
