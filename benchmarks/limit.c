/* The pair kernel of klieg/engine/accumulate.py in C: the same algorithm, written for the
   benchmark alone, as the measure of how far compiled Python is from the machine's own compiler.
   Compiled and driven by bench_limit.py. One thread; results go to growing arrays. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 1024
#define MARKS ((int64_t)1 << 20)
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

typedef struct {
    int64_t n_accounts;
    const int64_t *starts;
    const int32_t *row, *object, *lo, *hi;
    const int64_t *time;
    const uint8_t *rungs;
    const int32_t *partner;
    const int64_t *partner_time;
    const uint8_t *partner_rungs;
    const int32_t *aim;
    const int64_t *mass;
} Work;

typedef struct {
    int64_t rows, room;
    int32_t *kept;
    int64_t *span;
} Kept;

typedef struct {
    int32_t *table, *entries;
    int64_t *span;
    int64_t places, room;
} Book;

static int bits_for(int64_t entries) {
    int bits = 4;
    while (((int64_t)1 << bits) < 2 * entries) bits++;
    return bits;
}

static inline uint32_t place_of(int32_t account, int shift) {
    return ((uint32_t)account * 2654435769u) >> shift;
}

static int mark(int32_t a, const Work *w, int32_t *marks, int bits) {
    memset(marks, 0, sizeof(int32_t) << bits);
    int shift = 32 - bits;
    int32_t lowest = 0;
    for (int64_t p = w->starts[a]; p < w->starts[a + 1]; p++) {
        int32_t here = w->object[p] + 1;
        for (int32_t j = w->lo[p]; j < w->hi[p]; j++) {
            int32_t b = w->partner[j];
            uint32_t at = place_of(b, shift);
            int32_t seen = marks[at];
            int32_t now = (seen == 0) | (seen == here) ? here : -1;
            now = b > a ? now : seen;
            marks[at] = now;
            lowest |= now;
        }
    }
    return lowest < 0;
}

static int64_t select_near(const Work *w, int32_t lo, int32_t hi, int32_t a, const int32_t *marks,
                           int bits, int32_t *near) {
    int64_t k = 0;
    int shift = 32 - bits;
    if (bits)
        for (int32_t j = lo; j < hi; j++) {
            int32_t b = w->partner[j];
            near[k] = j;
            k += (b > a) & (marks[place_of(b, shift)] < 0);
        }
    else
        for (int32_t j = lo; j < hi; j++) {
            near[k] = j;
            k += w->partner[j] > a;
        }
    return k;
}

static inline int64_t entry_of(int32_t *table, int bits, const int32_t *entries, int columns,
                               int64_t size, int32_t partner) {
    uint32_t mask = ((uint32_t)1 << bits) - 1, at = place_of(partner, 32 - bits);
    while (table[at] >= 0) {
        if (entries[table[at] * (int64_t)columns] == partner) return table[at];
        at = (at + 1) & mask;
    }
    table[at] = (int32_t)size;
    return size;
}

static inline void note(int32_t *entry, int32_t here, int32_t aim, int r, int top, int width) {
    int32_t last = entry[3];
    entry[3] = here;
    if (width == 1) {
        entry[4] += last != here;
        entry[5] += last < aim;
        return;
    }
    if (last != here) {
        entry[1] = 0;
        if (last < aim) entry[2] = 0;
    }
    for (int w = r; w < top; w++) {
        int32_t bit = 1 << w;
        if (entry[1] & bit) continue;
        entry[1] |= bit;
        entry[4 + w]++;
        if (entry[2] & bit) continue;
        entry[2] |= bit;
        entry[4 + width + w]++;
    }
}

static int64_t gather(int32_t a, const Work *w, const int64_t *windows, int width,
                      const int32_t *marks, int bits, Book *book) {
    int columns = 4 + 2 * width, table_bits = 6;
    int32_t near[BLOCK];
    int64_t size = 0;
    memset(book->table, 255, sizeof(int32_t) << table_bits);
    for (int64_t p = w->starts[a]; p < w->starts[a + 1]; p++) {
        int32_t i = w->row[p], here = w->object[p], aim = w->aim[here];
        int64_t moment = w->time[i];
        for (int32_t block = w->lo[p]; block < w->hi[p]; block += BLOCK) {
            int64_t found = select_near(w, block, MIN(block + BLOCK, w->hi[p]), a, marks, bits, near);
            while (size + found > book->room) {
                book->room *= 2;
                book->entries = realloc(book->entries, book->room * columns * sizeof(int32_t));
                book->span = realloc(book->span, book->room * 2 * sizeof(int64_t));
            }
            if (2 * (size + found) > (int64_t)1 << table_bits) {
                table_bits = bits_for(2 * (size + found));
                if (book->places < (int64_t)1 << table_bits) {
                    book->places = (int64_t)1 << table_bits;
                    free(book->table);
                    book->table = malloc(book->places * sizeof(int32_t));
                }
                memset(book->table, 255, sizeof(int32_t) << table_bits);
                for (int64_t e = 0; e < size; e++)
                    entry_of(book->table, table_bits, book->entries, columns, e,
                             book->entries[e * columns]);
            }
            for (int64_t f = 0; f < found; f++) {
                int32_t j = near[f];
                int64_t other = w->partner_time[j];
                int r = 0, top = 1;
                if (width > 1) {
                    while (llabs(other - moment) > windows[r]) r++;
                    top = MIN(w->rungs[i], w->partner_rungs[j]);
                    if (r >= top) continue;
                }
                int64_t e = entry_of(book->table, table_bits, book->entries, columns, size,
                                     w->partner[j]);
                int32_t *entry = book->entries + e * columns;
                int64_t *span = book->span + 2 * e;
                if (e == size) {
                    size++;
                    memset(entry, 0, columns * sizeof(int32_t));
                    entry[0] = w->partner[j];
                    entry[3] = -1;
                    span[0] = INT64_MAX;
                    span[1] = -INT64_MAX;
                }
                span[0] = MIN(span[0], MIN(moment, other));
                span[1] = MAX(span[1], MAX(moment, other));
                note(entry, here, aim, r, top, width);
            }
        }
    }
    return size;
}

/* entries with a count of min_n or more, by account; returns which of the two arrays holds them */
static int32_t *enough(const Book *book, int64_t size, int width, int32_t min_n, int64_t n_accounts,
                       int32_t *order, int32_t *other, int64_t *found) {
    int columns = 4 + 2 * width;
    int64_t k = 0;
    for (int64_t e = 0; e < size; e++)
        for (int w = 0; w < width; w++)
            if (book->entries[e * columns + 4 + w] >= min_n) {
                order[k++] = (int32_t)e;
                break;
            }
    *found = k;
#define ACCOUNT(e) book->entries[(e) * (int64_t)columns]
    if (k <= 64) {
        for (int64_t f = 1; f < k; f++) {
            int32_t e = order[f];
            int64_t g = f;
            for (; g > 0 && ACCOUNT(order[g - 1]) > ACCOUNT(e); g--) order[g] = order[g - 1];
            order[g] = e;
        }
        return order;
    }
    for (int shift = 0; n_accounts >> shift > 0; shift += 8) {
        int64_t place[257] = {0};
        for (int64_t f = 0; f < k; f++) place[((ACCOUNT(order[f]) >> shift) & 255) + 1]++;
        for (int d = 0; d < 256; d++) place[d + 1] += place[d];
        for (int64_t f = 0; f < k; f++) other[place[(ACCOUNT(order[f]) >> shift) & 255]++] = order[f];
        int32_t *swap = order;
        order = other;
        other = swap;
    }
    return order;
}

/* pairs of the left accounts [first, stop); the caller frees kept and span */
void accumulate(int64_t first, int64_t stop, const Work *w, const int64_t *windows, int32_t width,
                int32_t min_n, Kept *out) {
    int columns = 4 + 2 * width, wide = 2 + 2 * width;
    Book book = {malloc(1024 * sizeof(int32_t)), malloc(256 * columns * sizeof(int32_t)),
                 malloc(512 * sizeof(int64_t)), 1024, 256};
    int64_t marked = 256, sorted = 256;
    int32_t *marks = malloc(marked * sizeof(int32_t));
    int32_t *order = malloc(sorted * sizeof(int32_t)), *other = malloc(sorted * sizeof(int32_t));
    out->rows = 0;
    out->room = 1 << 20;
    out->kept = malloc(out->room * wide * sizeof(int32_t));
    out->span = malloc(out->room * 2 * sizeof(int64_t));
    for (int64_t a = first; a < stop; a++) {
        if (w->mass[a] == 0) continue;
        int bits = 0;
        if (min_n > 1) {
            bits = bits_for(MIN(MIN(w->mass[a], w->n_accounts - a), MARKS));
            if (marked < (int64_t)1 << bits) {
                marked = (int64_t)1 << bits;
                free(marks);
                marks = malloc(marked * sizeof(int32_t));
            }
            if (!mark((int32_t)a, w, marks, bits)) continue;
        }
        int64_t size = gather((int32_t)a, w, windows, width, marks, bits, &book), found;
        if (size > sorted) {
            sorted = 2 * size;
            order = realloc(order, sorted * sizeof(int32_t));
            other = realloc(other, sorted * sizeof(int32_t));
        }
        int32_t *good = enough(&book, size, width, min_n, w->n_accounts, order, other, &found);
        while (out->rows + found > out->room) {
            out->room *= 2;
            out->kept = realloc(out->kept, out->room * wide * sizeof(int32_t));
            out->span = realloc(out->span, out->room * 2 * sizeof(int64_t));
        }
        for (int64_t f = 0; f < found; f++, out->rows++) {
            int32_t *kept = out->kept + out->rows * wide;
            const int32_t *entry = book.entries + good[f] * (int64_t)columns;
            kept[0] = (int32_t)a;
            kept[1] = entry[0];
            memcpy(kept + 2, entry + 4, 2 * width * sizeof(int32_t));
            memcpy(out->span + 2 * out->rows, book.span + 2 * (int64_t)good[f], 2 * sizeof(int64_t));
        }
    }
    free(book.table);
    free(book.entries);
    free(book.span);
    free(marks);
    free(order);
    free(other);
}

void release(Kept *out) {
    free(out->kept);
    free(out->span);
}
