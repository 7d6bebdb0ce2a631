; late.asm: the late part (late.h) as late.c reads it: the size of PACKED, a DEFLATE stream, and the stream; then nothing
; up to ROOM.

packed_size:
    dd packed_end - packed
packed:
    incbin PACKED
packed_end:
    times ROOM - ($ - $$) db 0
