/* Memory that was freed, back to the system. */
#ifndef ORL_BASE_HEAP_H
#define ORL_BASE_HEAP_H

/* After tens of megabytes were freed: malloc keeps them for the next one. Takes milliseconds. */
void orl_heap_trim(void);

#endif
