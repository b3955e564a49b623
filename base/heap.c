#include "base/heap.h"
#include <malloc.h>

void orl_heap_trim(void)
{
    (void)malloc_trim(0);
}
