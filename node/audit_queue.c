#include "node/audit_queue.h"

#include <pthread.h>
#include <stdlib.h>

struct audit_queue {
    pthread_mutex_t lock;
    struct audit_note *notes; /* NULL: none waits */
    size_t count;
};

struct audit_queue *audit_queue_new(void)
{
    struct audit_queue *queue = calloc(1, sizeof *queue);
    if (queue != NULL) {
        pthread_mutex_init(&queue->lock, NULL);
    }
    return queue;
}

size_t audit_queue_destroy(struct audit_queue **queue)
{
    size_t count = 0;
    if (*queue != NULL) {
        count = (*queue)->count;
        pthread_mutex_destroy(&(*queue)->lock);
        free((*queue)->notes);
        free(*queue);
        *queue = NULL;
    }
    return count;
}

size_t audit_queue_count(struct audit_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t count = queue->count;
    pthread_mutex_unlock(&queue->lock);
    return count;
}

/* What it points to moves with it. */
static void note_move(struct audit_note *to, const struct audit_note *from)
{
    *to = *from;
    to->entry.detail.p = to->typed;
}

bool audit_queue_add(struct audit_queue *queue, const struct audit_note *note)
{
    pthread_mutex_lock(&queue->lock);
    if (queue->notes == NULL) {
        queue->notes = malloc(AUDIT_QUEUE_MAX * sizeof *queue->notes);
    }
    bool has_room = queue->notes != NULL && queue->count < AUDIT_QUEUE_MAX;
    if (has_room) {
        note_move(&queue->notes[queue->count++], note);
    }
    pthread_mutex_unlock(&queue->lock);
    return has_room;
}

struct audit_note *audit_queue_take(struct audit_queue *queue, size_t *ret_count)
{
    pthread_mutex_lock(&queue->lock);
    struct audit_note *notes = queue->notes;
    *ret_count = queue->count;
    queue->notes = NULL;
    queue->count = 0;
    pthread_mutex_unlock(&queue->lock);
    return notes;
}

void audit_queue_put_back(struct audit_queue *queue, struct audit_note *notes, size_t count)
{
    pthread_mutex_lock(&queue->lock);
    size_t newer = queue->count; /* came meanwhile */
    for (size_t i = 0; i < newer && count < AUDIT_QUEUE_MAX; i++) {
        note_move(&notes[count++], &queue->notes[i]);
    }
    free(queue->notes);
    queue->notes = notes;
    queue->count = count;
    pthread_mutex_unlock(&queue->lock);
}
