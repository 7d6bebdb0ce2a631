/* test_clock.c: clock.c: deadlines with PITs that count, that do not, and none at all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

/* The product's file itself: its frequency is found once and kept, so each test needs a fresh one. */
#include "../../shim/clock.c"

static struct {
    bool absent, stuck;
    u64 ticks;  /* that channel 2 takes for what it is loaded with */
    u64 begun;  /* host_ticks when it was loaded */
    u32 loads, looks;
    u32 taken_away; /* how often the host takes the processor away: as it begins, and as it ends */
    u8 gate;
} fake;

static u32 in(u16 port, u32 width)
{
    if (fake.absent || width != 1 || port != PIT_GATE)
        return ~0u;
    fake.looks++;
    bool rose = fake.begun && !fake.stuck && host_ticks - fake.begun >= fake.ticks;
    if (fake.taken_away && fake.begun && host_ticks - fake.begun >= fake.ticks - fake.ticks / 9) {
        fake.taken_away--;
        host_ticks += 3 * fake.ticks;
    }
    return (u32)((fake.gate & ~0x20u) | (rose ? 0x20 : 0));
}

static void out(u16 port, u32 value, u32 width)
{
    (void)width;
    if (port == PIT_GATE)
        fake.gate = (u8)value;
    if (port == PIT_CHANNEL2 && ++fake.loads % 2 == 0)
        fake.begun = host_ticks | 1;
    if (fake.begun && fake.taken_away % 3 == 2) {
        fake.taken_away--;
        host_ticks += fake.ticks / 2;
    }
}

static void no_leaves(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
    (void)leaf;
    *a = *b = *c = *d = 0;
}

static void fresh(void)
{
    host_reset();
    memset(&fake, 0, sizeof fake);
    memset(&pit, 0, sizeof pit);
    ticks_per_ms = 0;
    fake.gate = 0x10;
    host_machine.in = in;
    host_machine.out = out;
    host_machine.cpu_id = no_leaves;
}

/* Polls until the deadline has passed. */
static u64 wait_for(u32 ms)
{
    struct deadline d = deadline_in(ms);
    u64 start = host_ticks;
    while (!deadline_passed(&d))
        assert_true(d.spins < 100000000);
    return host_ticks - start;
}

static void short_waits_cost_nothing(void **state)
{
    (void)state;
    fresh();
    struct deadline d = deadline_in(1);
    for (u32 i = 1; i < SPINS_FREE; i++)
        assert_false(deadline_passed(&d));
    assert_int_equal(fake.looks + fake.loads, 0);
}

static void the_pit_tells_the_frequency(void **state)
{
    (void)state;
    fresh();
    fake.ticks = PIT_MS * 75000000; /* 75 GHz; a poll takes 8 ms at 1 GHz here, which is how exact it gets */
    u64 gone = wait_for(20);
    assert_in_range(clock_ticks_per_ms(), 75000000, 82000000);
    assert_in_range(gone, 20 * 75000000ull, 20 * 82000000ull + SPINS_FREE * 8001000ull);
    assert_int_equal(fake.gate & 0x0f, 0); /* as it was */
    u32 loads = fake.loads;
    wait_for(20);
    assert_int_equal(fake.loads, loads);
}

/* A wait that ends early leaves the measuring behind: the next one begins it again. */
static void an_abandoned_measurement_is_not_used(void **state)
{
    (void)state;
    fresh();
    fake.ticks = PIT_MS * 75000000;
    struct deadline d = deadline_in(100);
    for (u32 i = 0; i < SPINS_FREE + 10; i++)
        deadline_passed(&d);
    host_ticks += 1000000000; /* something else took long */
    wait_for(20);
    assert_in_range(clock_ticks_per_ms(), 75000000, 82000000);
    fresh();
    fake.ticks = PIT_MS * 75000000;
    clock_ms();
    assert_in_range(clock_ticks_per_ms(), 75000000, 82000000);
}

/* A busy host's clock is no slower, nor faster: it was, by up to four times. */
static void a_busy_host_is_not_believed(void **state)
{
    (void)state;
    for (u32 times = 1; times < 10; times++) {
        fresh();
        fake.ticks = PIT_MS * 75000000;
        fake.taken_away = times;
        wait_for(20);
        assert_int_equal(fake.taken_away, 0);
        assert_in_range(clock_ticks_per_ms(), 73000000, 84000000);
    }
}

static void broken_pits_end_at_3_ghz(void **state)
{
    (void)state;
    fresh();
    fake.absent = true;
    wait_for(20);
    assert_int_equal(clock_ticks_per_ms(), 3000000);
    assert_int_equal(fake.loads, 2); /* one that is not there is not asked again */
    fresh();
    fake.stuck = true;
    wait_for(20);
    assert_int_equal(clock_ticks_per_ms(), 3000000);
    fresh();
    fake.ticks = 10; /* rises at once */
    wait_for(20);
    assert_int_equal(clock_ticks_per_ms(), 3000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_waits_cost_nothing),
        cmocka_unit_test(the_pit_tells_the_frequency),
        cmocka_unit_test(an_abandoned_measurement_is_not_used),
        cmocka_unit_test(a_busy_host_is_not_believed),
        cmocka_unit_test(broken_pits_end_at_3_ghz),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
